/**
 * What must be done about an event: dispatch, ask for a decision, set a timer.
 *
 * 1. Follows from the history alone, so the outbox is exactly `react` over the history.
 * 2. Doing an effect twice does no harm: each names what it is about (step and attempt, timer, approval, child run).
 * 3. A `cancel_timer` may name a timer that has fired already.
 */
import type { Effect } from './effect.js';
import type { RecordedEvent, RunEvent } from './event.js';
import { familyOfChild } from './family.js';
import { required } from './invariant-violation.js';
import { runOutcome } from './run-outcome.js';
import type { Run, RunState, Step } from './run-state.js';
import { runTimeoutTimerId, yieldTimerId } from './timer-id.js';

type Of<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

/** `state` is the state after the event. */
export const react = (state: RunState, recorded: RecordedEvent): readonly Effect[] => {
  if (state.kind === 'none') return [];
  const { event } = recorded;
  switch (event.type) {
    case 'run.started':
    case 'run.resumed':
    case 'run.yielded':
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
    case 'run.timed_out':
      return reactToRun(state, event, recorded.at);
    case 'step.scheduled':
      return event.action === 'human.approval'
        ? []
        : [dispatchOf(event), ...timerSet(stepOf(state, event.stepId))];
    case 'approval.requested':
      return [{ type: 'request_approval', request: event }, ...timerSet(stepOf(state, event.stepId))];
    case 'state.entered':
      return reactToEntered(state, event);
    case 'step.retry_scheduled':
      return timerSet(stepOf(state, event.stepId));
    case 'step.succeeded':
    case 'state.completed':
    case 'state.failed':
      return timerCancelled(stepOf(state, event.stepId));
    case 'step.failed':
      return reactToFailed(stepOf(state, event.stepId), event);
    case 'step.cancelled':
      return reactToCancelled(stepOf(state, event.stepId));
    case 'approval.expired':
    case 'approval.closed':
      return [{ type: 'withdraw_approval', approvalId: event.approvalId }];
    default:
      return [];
  }
};

const stepOf = (run: Run, stepId: string): Step => required(run.steps.get(stepId), `step ${stepId}`);

const timerSet = (step: Step): readonly Effect[] =>
  step.timer === undefined ? [] : [{ type: 'set_timer', ...step.timer }];

const timerCancelled = (step: Step): readonly Effect[] =>
  step.timer === undefined ? [] : [{ type: 'cancel_timer', timerId: step.timer.timerId }];

const dispatchOf = (event: Of<'step.scheduled'>): Effect => {
  const effect = {
    type: 'dispatch_step',
    stepId: event.stepId,
    attempt: event.attempt,
    scope: event.scope,
    state: event.state,
    action: event.action,
    target: event.target,
    input: event.input,
    outputValidation: event.outputValidation,
  } as const;
  return event.timeoutAt === undefined ? effect : { ...effect, timeoutAt: event.timeoutAt };
};

const reactToEntered = (run: Run, event: Of<'state.entered'>): readonly Effect[] => {
  if (event.kind !== 'workflow') return timerSet(stepOf(run, event.stepId));
  const { stepId, childRunId, workflow, input, waits } = event;
  const child = { stepId, childRunId, workflow, input, linked: waits };
  return [{ type: 'start_child', ...child, ...familyOfChild(run.started) }];
};

/** Of a step whose time was up, a worker may still hold the task or never have claimed it. */
const reactToFailed = (step: Step, event: Of<'step.failed'>): readonly Effect[] => [
  ...timerCancelled(step),
  ...(event.error.code === 'STEP_TIMEOUT' ? withdrawn(step) : []),
];

const withdrawn = ({ stepId, attempt, target }: Step): readonly Effect[] =>
  target === undefined ? [] : [{ type: 'withdraw_step', stepId, attempt, target }];

const reactToCancelled = (step: Step): readonly Effect[] => {
  const effects: Effect[] = [...timerCancelled(step)];
  effects.push(...withdrawn(step));
  if (step.childRunId !== undefined) effects.push({ type: 'cancel_child', childRunId: step.childRunId });
  return effects;
};

type RunLifeEvent = Of<
  | 'run.started'
  | 'run.resumed'
  | 'run.yielded'
  | 'run.completed'
  | 'run.failed'
  | 'run.cancelled'
  | 'run.timed_out'
>;

const reactToRun = (run: Run, event: RunLifeEvent, at: number): readonly Effect[] => {
  switch (event.type) {
    case 'run.started':
      return event.timeoutAt === undefined
        ? []
        : [
            {
              type: 'set_timer',
              timerId: runTimeoutTimerId,
              dueAt: event.timeoutAt,
              purpose: { kind: 'run_timeout' },
            },
          ];
    case 'run.resumed':
      return retryTimers(run);
    case 'run.yielded':
      return [{ type: 'set_timer', timerId: yieldTimerId, dueAt: at, purpose: { kind: 'yield_over' } }];
    case 'run.completed': {
      const toParent = parentNotified(run);
      return run.started.timeoutAt === undefined
        ? toParent
        : [{ type: 'cancel_timer', timerId: runTimeoutTimerId }, ...toParent];
    }
    case 'run.failed':
    case 'run.timed_out':
    case 'run.cancelled':
      return [{ type: 'cancel_timers' }, ...parentNotified(run)];
  }
};

/** A retry that came due during a pause was let pass: its timer is set again, and fires at once. */
const retryTimers = (run: Run): readonly Effect[] => {
  const effects: Effect[] = [];
  for (const stepId of run.open.keys()) {
    const step = stepOf(run, stepId);
    if (step.open?.kind === 'retrying') effects.push(...timerSet(step));
  }
  return effects;
};

const parentNotified = (run: Run): readonly Effect[] => {
  const { parent } = run.started;
  const outcome = runOutcome(run);
  return parent === undefined || outcome === undefined
    ? []
    : [{ type: 'notify_parent', parentRunId: parent.runId, stepId: parent.stepId, outcome }];
};
