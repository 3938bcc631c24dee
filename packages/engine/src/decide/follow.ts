/**
 * What follows when a state has failed, in this order: another attempt, the author's `catch`, `optional`, and else its
 * scope fails; a child scope's failure is its join's business, the root's ends the run.
 *
 * A failure is followed to its end even in a paused run: nothing new is scheduled by it.
 */
import { backoffMs } from '../backoff.js';
import { writeProblem } from '../context.js';
import { bounded, type StepError, stepError } from '../error.js';
import { explainedError } from '../error-advice.js';
import type { AtStep, Failure, RunEnd, RunEvent, ScopePath } from '../event.js';
import { cut, maxMessageLength } from '../excerpt.js';
import type { CatchClause, RetryPolicy, StatePlan } from '../plan.js';
import type { Scope, Step } from '../run-state.js';
import { placeOf } from './failure.js';
import { childFailed } from './join.js';
import type { Turn } from './turn.js';

/** Of an evaluation: what an expression does wrong is an answer, so a failure is the worker's. */
const evaluationRetry: RetryPolicy = {
  maxAttempts: 3,
  initialBackoffMs: 500,
  multiplier: 4,
  maxBackoffMs: 10_000,
};

type StateFailedKind = Extract<RunEvent, { type: 'state.failed' }>['kind'];

/** A state that no worker executes has failed, or an operation before it was scheduled. */
export const failState = (turn: Turn, at: AtStep, kind: StateFailedKind, cause: StepError): void => {
  const error = bounded(cause);
  turn.emit({ type: 'state.failed', ...at, kind, error });
  follow(turn, at, { error, originStepId: at.stepId });
};

/** A join has failed because of a child, or because of what its children gave together. */
export const failJoin = (turn: Turn, stepId: string, failure: Failure): void => {
  const step = turn.step(stepId);
  const { kind } = turn.join(stepId);
  const error = bounded(failure.error);
  turn.emit({ type: 'state.failed', ...placeOf(step), kind, error });
  follow(turn, placeOf(step), { ...failure, error });
};

const retryOf = (turn: Turn, step: Step): RetryPolicy | undefined => {
  if (step.kind === 'evaluation') return evaluationRetry;
  const plan = turn.planOf(step);
  return plan.type === 'operation' ? plan.retry : undefined;
};

/** An attempt has failed, and `step.failed` has been emitted. */
export const afterFailedAttempt = (turn: Turn, stepId: string, error: StepError): void => {
  const step = turn.step(stepId);
  const retry = retryOf(turn, step);
  if (retry !== undefined && step.attempt < retry.maxAttempts && isRetried(error, retry)) {
    const pause = backoffMs(retry, stepId, step.attempt, turn.world.digest);
    const dueAt = turn.world.now + pause;
    turn.emit({ type: 'step.retry_scheduled', stepId, attempt: step.attempt + 1, dueAt });
    return;
  }
  const next =
    step.kind === 'evaluation' && step.open !== undefined && 'next' in step.open ? step.open.next : undefined;
  turn.emit({ type: 'step.exhausted', stepId, attempt: step.attempt, error });
  if (next !== undefined) {
    failEvaluated(turn, stepId, next, error);
    return;
  }
  follow(turn, placeOf(step), {
    error,
    originStepId: stepId,
    ...(retry === undefined ? {} : { originMaxAttempts: retry.maxAttempts }),
  });
};

/** `abortOn` wins over `retryOn`; where neither speaks, the error itself says whether trying again can help. */
const isRetried = (error: StepError, policy: RetryPolicy): boolean => {
  if (policy.abortOn?.includes(error.code) === true) return false;
  if (policy.retryOn !== undefined) return policy.retryOn.includes(error.code);
  return error.retryable;
};

const clausesOf = (plan: StatePlan): readonly CatchClause[] => ('catch' in plan ? plan.catch : []);

/** After the failure of a step is recorded: catch, optional, or the scope fails. */
export const follow = (turn: Turn, at: AtStep, failure: Failure): void => {
  const plan = turn.planOf(at);
  const { error } = failure;
  const clause = clausesOf(plan).find(({ errors }) => errors.includes(error.code) || errors.includes('*'));
  if (clause !== undefined) {
    const { next, resultPath } = clause;
    const problem =
      resultPath === undefined ? undefined : writeProblem(turn.scope(at.scope).context, resultPath);
    if (problem === undefined) {
      turn.emit({
        type: 'state.caught',
        ...at,
        error,
        next,
        ...(resultPath === undefined ? {} : { resultPath }),
      });
      return;
    }
    const message = `the error could not be kept: ${problem}; it was ${error.code}: ${error.message}`;
    failScope(turn, at.scope, { ...failure, error: bounded(stepError('TEMPLATE_ERROR', message)) });
    return;
  }
  if (plan.type === 'operation' && plan.optional) {
    turn.emit({ type: 'step.skipped', stepId: at.stepId, error, next: plan.next });
    return;
  }
  failScope(turn, at.scope, failure);
};

/** The end of a scope is no step, and its last one did nothing wrong: the failure has no step as its origin. */
export const failEnd = (turn: Turn, scope: Scope, error: StepError): void =>
  failScope(turn, scope.path, { error: bounded(error) });

/** The evaluation that a state, or a scope's end, waited for could not be had. */
export const failEvaluated = (turn: Turn, stepId: string, next: string | null, error: StepError): void => {
  const step = turn.step(stepId);
  const scope = turn.scope(step.scope);
  if (next === null) failEnd(turn, scope, error);
  else failState(turn, turn.placeFor(scope, next), turn.statePlan(scope, next).type, error);
};

export const failScope = (turn: Turn, path: ScopePath, failure: Failure): void => {
  const { parent } = turn.scope(path);
  if (parent === undefined) {
    turn.emit(endOfFailed(turn, failure));
    return;
  }
  turn.emit({ type: 'scope.failed', scope: path, error: failure.error });
  const ofJoin = childFailed(turn, parent.stepId, parent.index, failure);
  if (ofJoin !== undefined) failJoin(turn, parent.stepId, ofJoin);
};

/** What the end of the run says when nobody has taken the failure. */
export const endOfFailed = (turn: Turn, failure: Failure): RunEnd => {
  const { rejectedBy, originStepId } = failure;
  if (rejectedBy !== undefined) {
    const reason = `${rejectedBy.actor} rejected the approval`;
    const said = rejectedBy.comment === undefined ? '' : `: ${rejectedBy.comment}`;
    const whole = cut(`${reason}${said}`, maxMessageLength);
    return { type: 'run.cancelled', actor: rejectedBy.actor, reason: whole };
  }
  const step = originStepId === undefined ? undefined : turn.step(originStepId);
  const error = explainedError(failure.error, { ...failure, step });
  if (step === undefined) return { type: 'run.failed', error };
  const { state, scope, stepId } = step;
  return { type: 'run.failed', error, origin: { state, scope, stepId } };
};
