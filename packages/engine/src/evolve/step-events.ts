/** Steps: states that a worker, an agent or a person executes. */
import type { StepErrorCode } from '../error.js';
import { answersIn } from '../evaluation.js';
import type { Instant, RunEvent } from '../event.js';
import { InvariantViolation } from '../invariant-violation.js';
import type { Dispatch, OpenStep, Run, Step } from '../run-state.js';
import type { StepStatus } from '../run-status.js';
import { timerIdOf } from '../timer-id.js';
import {
  afterEntering,
  afterOutput,
  cursorTo,
  ended,
  heardFromOutside,
  newStep,
  scopeOf,
  stepOf,
  withCursor,
  withoutJoin,
  withScope,
  withStep,
} from './edit.js';

type Of<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

export const stepScheduled = (run: Run, event: Of<'step.scheduled'>, at: Instant): Run => {
  const { stepId, attempt, resultPath, next, target, input, outputValidation, timeoutAt } = event;
  const isEvaluation = event.action === 'expression.evaluate';
  const isApproval = event.action === 'human.approval';
  const open: OpenStep = isApproval
    ? { kind: 'approval', resultPath, next, input }
    : { kind: 'dispatched', target, input, outputValidation, resultPath, next };
  const purpose = { kind: 'step_timeout', stepId, attempt } as const;
  const step: Step = {
    ...newStep(
      event,
      isEvaluation ? 'evaluation' : 'operation',
      isApproval ? 'WAITING_APPROVAL' : 'PENDING',
      at,
    ),
    action: event.action,
    target: isApproval ? undefined : target,
    attempt,
    error: run.steps.get(stepId)?.error,
    timer: timeoutAt === undefined ? undefined : { timerId: timerIdOf(purpose), dueAt: timeoutAt, purpose },
    open,
  };
  const scope = scopeOf(run, event.scope);
  return withScope(withStep(run, step), {
    ...(isEvaluation ? scope : afterEntering(scope, event)),
    cursor: { kind: 'at', stepId },
  });
};

export const stepStarted = (run: Run, event: Of<'step.started'>): Run => {
  const step = stepOf(run, event.stepId);
  const { startedAt, worker, beginning, replaces } = event;
  const counted = (step.beginnings ?? []).filter((each) => each !== replaces);
  return withStep(run, {
    ...step,
    status: 'RUNNING',
    startedAt,
    worker,
    beginnings: [...counted, beginning],
  });
};

export const stepGivenBack = (run: Run, event: Of<'step.given_back'>): Run => {
  const step = stepOf(run, event.stepId);
  const begun = step.beginnings ?? [];
  const beginnings = begun.filter((each) => each !== event.beginning);
  // Where another has begun it since, that one has it in hand.
  if (begun.at(-1) !== event.beginning) return withStep(run, { ...step, beginnings });
  return withStep(run, { ...step, status: 'PENDING', startedAt: undefined, worker: undefined, beginnings });
};

const dispatchOf = (step: Step): Dispatch => {
  const { open } = step;
  if (open?.kind === 'dispatched' || open?.kind === 'failed' || open?.kind === 'retrying') return open;
  throw new InvariantViolation(`step ${step.stepId} is not in a worker's hands`);
};

export const stepSucceeded = (before: Run, event: Of<'step.succeeded'>, at: Instant): Run => {
  const step = stepOf(before, event.stepId);
  if (step.kind === 'evaluation') return evaluationSucceeded(before, step, event, at);
  const run = heardFromOutside(before, step.scope);
  const { resultPath, next } = step.open?.kind === 'approval' ? step.open : dispatchOf(step);
  const { startedAt, worker, output, warnings } = event;
  const over = ended(step, at, {
    status: 'SUCCEEDED',
    startedAt,
    worker,
    error: undefined,
    output,
    warnings: warnings?.length === 0 ? undefined : warnings,
  });
  return withScope(
    withStep(run, over),
    afterOutput(scopeOf(run, step.scope), event.output, resultPath, next),
  );
};

/** The state, or the scope's end, is before the cursor again, and now has its answers. */
const evaluationSucceeded = (run: Run, step: Step, event: Of<'step.succeeded'>, at: Instant): Run => {
  const { next } = dispatchOf(step);
  const { startedAt, worker } = event;
  const over = ended(step, at, { status: 'SUCCEEDED', startedAt, worker, error: undefined });
  const answers = answersIn(event.output);
  return withScope(withStep(run, over), { ...scopeOf(run, step.scope), answers, cursor: cursorTo(next) });
};

/** Codes that say that time was up. */
export const failedStatusOf = (code: StepErrorCode): StepStatus =>
  code === 'STEP_TIMEOUT' || code === 'APPROVAL_EXPIRED' || code === 'SIGNAL_TIMEOUT'
    ? 'TIMED_OUT'
    : 'FAILED';

export const stepFailed = (before: Run, event: Of<'step.failed'>, at: Instant): Run => {
  const step = stepOf(before, event.stepId);
  const run = step.kind === 'evaluation' ? before : heardFromOutside(before, step.scope);
  const { startedAt, worker, error } = event;
  const over = ended(step, at, { status: failedStatusOf(error.code), startedAt, worker, error });
  const failed: Step =
    step.open?.kind === 'approval' ? over : { ...over, open: { ...dispatchOf(step), kind: 'failed' } };
  return withCursor(withStep(run, failed), step.scope, { kind: 'failing', stepId: step.stepId });
};

export const stepRetryScheduled = (run: Run, event: Of<'step.retry_scheduled'>): Run => {
  const step = stepOf(run, event.stepId);
  const purpose = { kind: 'retry_due', stepId: event.stepId, attempt: event.attempt } as const;
  const waiting: Step = {
    ...step,
    endedAt: undefined,
    status: 'PENDING',
    timer: { timerId: timerIdOf(purpose), dueAt: event.dueAt, purpose },
    open: { ...dispatchOf(step), kind: 'retrying' },
  };
  return withCursor(withStep(run, waiting), step.scope, { kind: 'at', stepId: step.stepId });
};

export const stepExhausted = (run: Run, event: Of<'step.exhausted'>, at: Instant): Run =>
  withStep(run, { ...stepOf(run, event.stepId), open: undefined, endedAt: at });

export const stepSkipped = (run: Run, event: Of<'step.skipped'>): Run => {
  const step: Step = { ...stepOf(run, event.stepId), status: 'SKIPPED' };
  return withCursor(withStep(run, step), step.scope, cursorTo(event.next));
};

export const stepCancelled = (run: Run, event: Of<'step.cancelled'>, at: Instant): Run => {
  const step = stepOf(run, event.stepId);
  return withStep(
    withoutJoin(run, event.stepId),
    ended(step, at, { status: 'CANCELLED', error: step.error }),
  );
};
