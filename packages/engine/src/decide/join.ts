/**
 * Joins: when the children of a parallel or foreach have done enough.
 *
 * - `all` (and every foreach): the first failure (of a foreach: one more than is tolerated) cancels the siblings and
 *   fails the state.
 * - `any`: the first success cancels the siblings and completes the state; it fails when every child has.
 * - `settled`: every child ends, and the state never fails because of one.
 */
import type { StepError } from '../error.js';
import type { Failure } from '../event.js';
import { joinOutput } from '../evolve/join-output.js';
import { required } from '../invariant-violation.js';
import type { Join } from '../run-state.js';
import { verdictOn } from '../verdict-on-join.js';
import { cancelChildren } from './cancel.js';
import { placeOf } from './failure.js';
import { composedTooLarge, resultProblem } from './too-large.js';
import type { Turn } from './turn.js';

/** Children that one `scopes.forked` names: bounds the cost of that one event. */
const maxForkedAtOnce = 32;

/** Starts the next children of a join that has room for some. */
export const forkChildren = (turn: Turn, stepId: string): void => {
  const join = turn.join(stepId);
  const room = Math.min(join.maxConcurrency - join.live.size, join.total - join.forkedCount, maxForkedAtOnce);
  const from = join.forkedCount;
  turn.emit({ type: 'scopes.forked', stepId, scope: join.scope, from, to: from + room });
};

const bringOn = (turn: Turn, join: Join, failureOf: () => Failure): Failure | undefined => {
  switch (verdictOn(join)) {
    case 'succeeded':
      return closeJoin(turn, join.stepId);
    case 'failed':
      return closeJoin(turn, join.stepId, failureOf());
    case 'complete':
      return completeJoin(turn, join.stepId);
    case undefined:
      return undefined;
  }
};

/** `scope.completed` of a child has been emitted. Gives the failure that the join itself has by now, if it has one. */
export const childCompleted = (turn: Turn, stepId: string): Failure | undefined => goOnWithJoin(turn, stepId);

/** As after the end of a child, whichever was the last: of the failures in the history, the last one's words are given. */
export const goOnWithJoin = (turn: Turn, stepId: string): Failure | undefined => {
  const join = turn.join(stepId);
  return bringOn(turn, join, () => {
    const failures = [...join.outcomes.entries()].flatMap(([index, outcome]) =>
      outcome.ok ? [] : [{ index: Number(index), error: outcome.error }],
    );
    const { index, error } = required(failures.at(-1), `a failure of a child of ${stepId}`);
    return withChild(turn, join, index, { error });
  });
};

/**
 * `scope.failed` of a child has been emitted. Gives the failure that the join itself has by now, with the other
 * children cancelled; undefined when the join goes on, or is complete without this child.
 */
export const childFailed = (
  turn: Turn,
  stepId: string,
  index: number,
  failure: Failure,
): Failure | undefined => {
  const join = turn.join(stepId);
  return bringOn(turn, join, () => withChild(turn, join, index, failure));
};

/**
 * Takes the children back that are under way, then completes the join, or gives its failure. Where they are more than
 * one decision takes back, the join is left closing, and the next decisions go on with it.
 */
export const closeJoin = (turn: Turn, stepId: string, failure?: Failure): Failure | undefined => {
  if (cancelChildren(turn, stepId)) return failure ?? completeJoin(turn, stepId);
  if (turn.join(stepId).closing === undefined)
    turn.emit({ type: 'scopes.closing', stepId, ...(failure === undefined ? {} : { failure }) });
  return undefined;
};

/** Gives the failure of a join whose children gave too much together. */
export const completeJoin = (turn: Turn, stepId: string): Failure | undefined => {
  const join = turn.join(stepId);
  const step = turn.step(stepId);
  const error = resultProblem(turn.world, step.state, joinOutput(join), join.resultPath, composedTooLarge);
  if (error !== undefined) return { error, originStepId: stepId };
  const { kind, next, resultPath } = join;
  turn.emit({ type: 'state.completed', ...placeOf(step), kind, next, resultPath });
  return undefined;
};

/** The child's error, with words that say which child it was. */
const withChild = (turn: Turn, join: Join, index: number, failure: Failure): Failure => {
  const { state } = turn.step(join.stepId);
  const error: StepError = {
    ...failure.error,
    message: `${childName(join, index)} of "${state}" failed${among(join)}: ${failure.error.message}`,
  };
  return { originStepId: join.stepId, ...failure, error };
};

const childName = (join: Join, index: number): string =>
  join.kind === 'foreach' ? `item ${index}` : `branch "${join.branches[index]?.name ?? index}"`;

const among = (join: Join): string => {
  if (join.mode === 'any') return join.total === 1 ? '' : ' as the last of all';
  if (join.toleratedFailures === 0) return '';
  return ` (${join.failedCount} items have failed, ${join.toleratedFailures} are tolerated)`;
};
