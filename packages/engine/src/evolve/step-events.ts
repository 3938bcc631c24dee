/** Steps: states that a worker, an agent or a person executes. */
import type { StepErrorCode } from '../error.js';
import type { Instant, RunEvent } from '../event.js';
import { InvariantViolation } from '../invariant-violation.js';
import type { Dispatch, OpenStep, Run, Step } from '../run-state.js';
import type { StepStatus } from '../run-status.js';
import { timerIdOf } from '../timer-id.js';
import {
  afterOutput,
  cursorTo,
  ended,
  scopeOf,
  stepOf,
  withCursor,
  withoutError,
  withoutJoin,
  withScope,
  withStep,
} from './edit.js';

type Of<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

export const stepScheduled = (run: Run, event: Of<'step.scheduled'>, at: Instant): Run => {
  const { stepId, attempt, resultPath, next, target, input, outputValidation, timeoutAt } = event;
  const isApproval = event.action === 'human.approval';
  const open: OpenStep = isApproval
    ? { kind: 'approval', resultPath, next }
    : { kind: 'dispatched', target, input, outputValidation, resultPath, next };
  const purpose = { kind: 'step_timeout', stepId, attempt } as const;
  const error = run.steps.get(stepId)?.error;
  const step: Step = {
    stepId,
    scope: event.scope,
    state: event.state,
    visit: event.visit,
    kind: 'operation',
    action: event.action,
    status: isApproval ? 'WAITING_APPROVAL' : 'PENDING',
    attempt,
    scheduledAt: at,
    ...(error === undefined ? {} : { error }),
    ...(timeoutAt === undefined ? {} : { timer: { timerId: timerIdOf(purpose), dueAt: timeoutAt, purpose } }),
    open,
  };
  const scope = scopeOf(run, event.scope);
  return withScope(withStep(run, step), {
    ...scope,
    visits: scope.visits.set(event.state, event.visit),
    lastStepId: stepId,
    cursor: { kind: 'at', stepId },
  });
};

export const stepStarted = (run: Run, event: Of<'step.started'>): Run =>
  withStep(run, {
    ...stepOf(run, event.stepId),
    status: 'RUNNING',
    startedAt: event.startedAt,
    worker: event.worker,
  });

const reported = (event: {
  readonly startedAt?: Instant;
  readonly worker?: string;
}): Partial<Pick<Step, 'startedAt' | 'worker'>> => ({
  ...(event.startedAt === undefined ? {} : { startedAt: event.startedAt }),
  ...(event.worker === undefined ? {} : { worker: event.worker }),
});

const dispatchOf = (step: Step): Dispatch => {
  const { open } = step;
  if (open?.kind === 'dispatched' || open?.kind === 'failed' || open?.kind === 'retrying') return open;
  throw new InvariantViolation(`step ${step.stepId} is not in a worker's hands`);
};

export const stepSucceeded = (run: Run, event: Of<'step.succeeded'>, at: Instant): Run => {
  const step = stepOf(run, event.stepId);
  const { resultPath, next } = step.open?.kind === 'approval' ? step.open : dispatchOf(step);
  const over = ended(withoutError(step), at, {
    ...reported(event),
    status: 'SUCCEEDED',
    output: event.output,
    ...(event.warnings === undefined || event.warnings.length === 0 ? {} : { warnings: event.warnings }),
  });
  return withScope(
    withStep(run, over),
    afterOutput(scopeOf(run, step.scope), event.output, resultPath, next),
  );
};

/** Codes that say that time was up. */
export const failedStatusOf = (code: StepErrorCode): StepStatus =>
  code === 'STEP_TIMEOUT' || code === 'APPROVAL_EXPIRED' || code === 'SIGNAL_TIMEOUT'
    ? 'TIMED_OUT'
    : 'FAILED';

export const stepFailed = (run: Run, event: Of<'step.failed'>, at: Instant): Run => {
  const step = stepOf(run, event.stepId);
  const changes = { ...reported(event), status: failedStatusOf(event.error.code), error: event.error };
  const failed: Step =
    step.open?.kind === 'approval'
      ? ended(step, at, changes)
      : { ...step, ...changes, endedAt: at, open: { ...dispatchOf(step), kind: 'failed' } };
  return withCursor(withStep(run, failed), step.scope, { kind: 'failing', stepId: step.stepId });
};

export const stepRetryScheduled = (run: Run, event: Of<'step.retry_scheduled'>): Run => {
  const { endedAt: _endedAt, ...step } = stepOf(run, event.stepId);
  const purpose = { kind: 'retry_due', stepId: event.stepId, attempt: event.attempt } as const;
  const waiting: Step = {
    ...step,
    status: 'PENDING',
    timer: { timerId: timerIdOf(purpose), dueAt: event.dueAt, purpose },
    open: { ...dispatchOf(step), kind: 'retrying' },
  };
  return withCursor(withStep(run, waiting), step.scope, { kind: 'at', stepId: step.stepId });
};

export const stepExhausted = (run: Run, event: Of<'step.exhausted'>, at: Instant): Run =>
  withStep(run, ended(stepOf(run, event.stepId), at, {}));

export const stepSkipped = (run: Run, event: Of<'step.skipped'>): Run => {
  const step: Step = { ...stepOf(run, event.stepId), status: 'SKIPPED' };
  return withCursor(withStep(run, step), step.scope, cursorTo(event.next));
};

export const stepCancelled = (run: Run, event: Of<'step.cancelled'>, at: Instant): Run => {
  const step = stepOf(run, event.stepId);
  return withStep(withoutJoin(run, event.stepId), ended(step, at, { status: 'CANCELLED' }));
};
