/** Parallel and foreach: entered here; `advance` starts their children as there is room for them. */
import { explainAbsence, kindOf, nodeAt, spreadProblem } from '../context.js';
import { stepError } from '../error.js';
import type { AtStep } from '../event.js';
import type { Json } from '../json.js';
import { formatPath } from '../path.js';
import type { ForeachPlan, ParallelPlan } from '../plan.js';
import type { Scope } from '../run-state.js';
import { failState } from './follow.js';
import { completeJoin } from './join.js';
import type { Turn } from './turn.js';

/** A limit of the language, whatever the plan says. */
const maxBranchesInFlight = 64;

/** What a join gives has a known shape, so the whole context as its place is judged before a child begins. */
const canBeKept = (turn: Turn, at: AtStep, plan: ParallelPlan | ForeachPlan, shape: Json): boolean => {
  const problem = plan.resultPath.length === 0 ? spreadProblem(shape) : undefined;
  if (problem === undefined) return true;
  failState(turn, at, plan.type, stepError('TEMPLATE_ERROR', `the result could not be kept: ${problem}`));
  return false;
};

export const enterParallel = (turn: Turn, at: AtStep, plan: ParallelPlan): void => {
  const shape = Object.fromEntries(plan.branches.map(({ name }) => [name, null]));
  if (!canBeKept(turn, at, plan, shape)) return;
  turn.emit({
    type: 'state.entered',
    ...at,
    kind: 'parallel',
    branches: plan.branches.map(({ name, scope }) => ({ name, start: scope.start })),
    join: plan.join,
    maxConcurrency: Math.min(plan.maxConcurrency, maxBranchesInFlight),
    resultPath: plan.resultPath,
    next: plan.next,
  });
  if (plan.branches.length === 0) completeJoin(turn, at.stepId);
};

export const enterForeach = (turn: Turn, scope: Scope, at: AtStep, plan: ForeachPlan): void => {
  if (!canBeKept(turn, at, plan, [])) return;
  const items = nodeAt(scope.context, plan.itemsPath);
  if (!Array.isArray(items)) {
    const found =
      items === undefined ? explainAbsence(scope.context, plan.itemsPath) : `it is ${kindOf(items)}`;
    const message = `itemsPath ${formatPath(plan.itemsPath)} must lead to a list: ${found}`;
    failState(turn, at, 'foreach', stepError('ITEMS_NOT_A_LIST', message));
    return;
  }
  turn.emit({
    type: 'state.entered',
    ...at,
    kind: 'foreach',
    itemsPath: plan.itemsPath,
    itemName: plan.itemName,
    itemCount: items.length,
    start: plan.iterator.start,
    maxConcurrency: plan.maxConcurrency,
    toleratedFailures: plan.toleratedFailures,
    resultPath: plan.resultPath,
    next: plan.next,
  });
  if (items.length === 0) completeJoin(turn, at.stepId);
};
