/**
 * What is now true, after one more event. No rules: whether an event may happen was `decide`'s business.
 *
 * 1. Pure: neither the state nor the event is changed; equal histories give equal states.
 * 2. The cost of an event does not grow with the length or the fan-out of the run. A fork costs the children that
 *    it names (`decide` names few at a time), the end of a join costs its children once.
 */
import type { RecordedEvent, RunEvent } from '../event.js';
import { InvariantViolation } from '../invariant-violation.js';
import type { Run, RunState } from '../run-state.js';
import { approvalDecided, approvalEndorsed, approvalOver, approvalRequested } from './approval-events.js';
import { runEnded, runStarted } from './run-events.js';
import { scopeCancelled, scopeCompleted, scopeFailed, scopesClosing, scopesForked } from './scope-events.js';
import { signalReceived, stateCaught, stateCompleted, stateEntered, stateFailed } from './state-events.js';
import {
  stepCancelled,
  stepExhausted,
  stepFailed,
  stepGivenBack,
  stepRetryScheduled,
  stepScheduled,
  stepSkipped,
  stepStarted,
  stepSucceeded,
} from './step-events.js';

/**
 * The state after the event. Throws InvariantViolation when the event is not the next one by its `seq`, or names
 * something that the history has not made.
 */
export const evolve = (state: RunState, recorded: RecordedEvent): RunState => {
  const { seq, at, event } = recorded;
  if (seq !== state.seq + 1)
    throw new InvariantViolation(`event ${seq} (${event.type}) cannot follow event ${state.seq}`);
  if (state.kind === 'none') {
    if (event.type === 'run.started') return runStarted(event, at);
    throw new InvariantViolation(`a history begins with run.started, not with ${event.type}`);
  }
  return { ...changed(state, event, at), seq };
};

const changed = (run: Run, event: RunEvent, at: number): Run => {
  switch (event.type) {
    case 'run.started':
      throw new InvariantViolation('a run starts once');
    case 'run.paused':
    case 'run.resumed':
    case 'run.ending':
    case 'run.cancelled':
    case 'run.timed_out':
    case 'run.completed':
    case 'run.failed':
      return phaseChanged(run, event, at);
    case 'run.yielded':
      return { ...run, yieldedAt: at };
    case 'run.command_refused':
    case 'approval.decision_refused':
      return { ...run, refusedCount: run.refusedCount + 1 };
    case 'state.entered':
      return stateEntered(run, event, at);
    case 'state.completed':
      return stateCompleted(run, event, at);
    case 'state.failed':
      return stateFailed(run, event, at);
    case 'state.caught':
      return stateCaught(run, event);
    case 'scopes.forked':
      return scopesForked(run, event);
    case 'scope.completed':
      return scopeCompleted(run, event);
    case 'scope.failed':
      return scopeFailed(run, event);
    case 'scopes.closing':
      return scopesClosing(run, event);
    case 'scope.cancelled':
      return scopeCancelled(run, event);
    case 'signal.received':
      return signalReceived(run, event);
    default:
      return stepOrApprovalChanged(run, event, at);
  }
};

type PhaseEvent = Extract<
  RunEvent,
  {
    type:
      | 'run.paused'
      | 'run.resumed'
      | 'run.ending'
      | 'run.cancelled'
      | 'run.timed_out'
      | 'run.completed'
      | 'run.failed';
  }
>;

const phaseChanged = (run: Run, event: PhaseEvent, at: number): Run => {
  switch (event.type) {
    case 'run.paused': {
      const { actor, reason } = event;
      return {
        ...run,
        phase: { kind: 'paused', at, actor, ...(reason === undefined ? {} : { reason }) },
      };
    }
    case 'run.resumed':
      return { ...run, phase: { kind: 'running' } };
    case 'run.ending':
      return { ...run, phase: { kind: 'ending', end: event.end } };
    case 'run.cancelled': {
      const { actor, reason } = event;
      return runEnded(run, { kind: 'cancelled', at, actor, ...(reason === undefined ? {} : { reason }) });
    }
    case 'run.timed_out':
      return runEnded(run, { kind: 'timed_out', at, error: event.error });
    case 'run.completed':
      return runEnded(run, { kind: 'completed', at, output: event.output });
    case 'run.failed': {
      const { error, origin } = event;
      return runEnded(run, { kind: 'failed', at, error, ...(origin === undefined ? {} : { origin }) });
    }
  }
};

type StepOrApprovalEvent = Extract<RunEvent, { type: `step.${string}` | `approval.${string}` }>;

const stepOrApprovalChanged = (
  run: Run,
  event: Exclude<StepOrApprovalEvent, { type: 'approval.decision_refused' }>,
  at: number,
): Run => {
  switch (event.type) {
    case 'step.scheduled':
      return stepScheduled(run, event, at);
    case 'step.started':
      return stepStarted(run, event);
    case 'step.given_back':
      return stepGivenBack(run, event);
    case 'step.succeeded':
      return stepSucceeded(run, event, at);
    case 'step.failed':
      return stepFailed(run, event, at);
    case 'step.retry_scheduled':
      return stepRetryScheduled(run, event);
    case 'step.exhausted':
      return stepExhausted(run, event, at);
    case 'step.skipped':
      return stepSkipped(run, event);
    case 'step.cancelled':
      return stepCancelled(run, event, at);
    case 'approval.requested':
      return approvalRequested(run, event, at);
    case 'approval.endorsed':
      return approvalEndorsed(run, event, at);
    case 'approval.approved':
    case 'approval.rejected':
      return approvalDecided(run, event, at);
    case 'approval.expired':
      return approvalOver(run, event.approvalId, 'EXPIRED', at);
    case 'approval.closed':
      return approvalOver(run, event.approvalId, 'CLOSED', at);
  }
};
