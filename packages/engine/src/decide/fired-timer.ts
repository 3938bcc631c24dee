/** Timers that have come due. One that nothing waits for any more is refused and does nothing. */
import type { TimerPurpose } from '../command.js';
import { stepError } from '../error.js';
import { interruption } from '../interrupted.js';
import type { Run, Step } from '../run-state.js';
import { advance } from './advance.js';
import { expireApproval } from './approval-decision.js';
import { endRun } from './cancel.js';
import { scheduleAttempt } from './enter-operation.js';
import { scheduleEvaluation } from './evaluate.js';
import { placeOf } from './failure.js';
import { failState } from './follow.js';
import { goOnInterrupted } from './go-on-interrupted.js';
import { endedByEvents } from './limits.js';
import { isOver, type Refused, refuse } from './refusal.js';
import { failAttempt } from './step-result.js';
import type { Turn } from './turn.js';

export const refusalOfTimer = (run: Run, purpose: TimerPurpose): Refused | undefined =>
  isWanted(run, purpose)
    ? undefined
    : refuse('TIMER_NOT_WANTED', `nothing in run ${run.started.runId} waits for this ${purpose.kind}`);

const canGoOn = ({ phase, closing, ready, forkable }: Run): boolean =>
  phase.kind === 'ending' || closing.size > 0 || ready.size > 0 || forkable.size > 0;

const isWanted = (run: Run, purpose: TimerPurpose): boolean => {
  if (purpose.kind === 'yield_over') return canGoOn(run);
  // Costs what is in flight: not to be asked for each turn of a wide run.
  if (purpose.kind === 'interrupted') return interruption(run) !== undefined;
  if (isOver(run)) return false;
  switch (purpose.kind) {
    case 'run_timeout':
      return run.started.timeoutAt !== undefined;
    case 'retry_due': {
      const step = run.steps.get(purpose.stepId);
      return step?.open?.kind === 'retrying' && step.attempt + 1 === purpose.attempt;
    }
    case 'step_timeout': {
      const step = run.steps.get(purpose.stepId);
      return step?.open?.kind === 'dispatched' && step.attempt === purpose.attempt;
    }
    case 'approval_expiry':
      return run.approvals.get(purpose.approvalId)?.status === 'PENDING';
    case 'wait_over':
      return run.steps.get(purpose.stepId)?.open?.kind === 'wait';
    case 'signal_timeout':
      return run.steps.get(purpose.stepId)?.open?.kind === 'signal';
  }
};

export const timerFired = (turn: Turn, purpose: TimerPurpose): void => {
  switch (purpose.kind) {
    case 'run_timeout':
      timeOutRun(turn);
      break;
    case 'yield_over':
      advance(turn);
      break;
    case 'interrupted':
      goOnInterrupted(turn);
      advance(turn);
      break;
    case 'retry_due':
      retry(turn, turn.step(purpose.stepId));
      break;
    case 'step_timeout':
      timeOutStep(turn, turn.step(purpose.stepId));
      break;
    case 'approval_expiry':
      expireApproval(turn, purpose.approvalId);
      break;
    case 'wait_over':
      endWait(turn, turn.step(purpose.stepId));
      break;
    case 'signal_timeout':
      timeOutSignal(turn, turn.step(purpose.stepId));
      break;
  }
};

/** In a paused run nothing is scheduled: the event `run.resumed` sets the timer again. */
const retry = (turn: Turn, step: Step): void => {
  const { open } = step;
  if (turn.run.phase.kind === 'paused' || open?.kind !== 'retrying' || endedByEvents(turn)) return;
  const attempt = step.attempt + 1;
  if (step.kind === 'evaluation') {
    scheduleEvaluation(turn, placeOf(step), open, attempt);
    return;
  }
  const plan = turn.planOf(step);
  if (plan.type === 'operation') scheduleAttempt(turn, placeOf(step), plan, attempt, open.input);
};

const seconds = (ms: number): string => `${ms / 1000} s`;

const timeOutStep = (turn: Turn, step: Step): void => {
  const { stepId, attempt } = step;
  const allowed = (step.timer?.dueAt ?? turn.world.now) - step.scheduledAt;
  const began =
    step.startedAt === undefined ? 'no worker has reported its start' : `${step.worker} had begun it`;
  const message = `attempt ${attempt} was not over within ${seconds(allowed)}; ${began}`;
  failAttempt(turn, { stepId, attempt }, stepError('STEP_TIMEOUT', message));
};

const endWait = (turn: Turn, step: Step): void => {
  if (step.open?.kind !== 'wait') return;
  turn.emit({ type: 'state.completed', ...placeOf(step), kind: 'wait', next: step.open.next });
  advance(turn);
};

const timeOutSignal = (turn: Turn, step: Step): void => {
  const name = step.open?.kind === 'signal' ? step.open.signal : '';
  const allowed = (step.timer?.dueAt ?? turn.world.now) - step.scheduledAt;
  const message = `signal "${name}" did not arrive within ${seconds(allowed)}`;
  failState(turn, placeOf(step), 'signal', stepError('SIGNAL_TIMEOUT', message));
  advance(turn);
};

const timeOutRun = (turn: Turn): void => {
  const { started, startedAt } = turn.run;
  const allowed = (started.timeoutAt ?? turn.world.now) - startedAt;
  const message = `The run was not over within ${seconds(allowed)}. Raise the workflow's \`timeoutSeconds\`.`;
  endRun(turn, { type: 'run.timed_out', error: stepError('RUN_TIMEOUT', message) });
};
