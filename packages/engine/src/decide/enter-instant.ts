/** States that are over as soon as they are entered: switch, inject, transform. */
import { explainAbsence, kindOf, nodeAt, plain } from '../context.js';
import { stepError } from '../error.js';
import type { AtStep } from '../event.js';
import { lookupIn } from '../expression-scope.js';
import type { Json } from '../json.js';
import { formatPath } from '../path.js';
import type { InjectPlan, SwitchPlan, TransformPlan } from '../plan.js';
import type { Scope } from '../run-state.js';
import { renderTemplate } from '../template.js';
import type { Lookup } from '../world.js';
import { failState } from './follow.js';
import { resultProblem } from './too-large.js';
import type { Turn } from './turn.js';

/** The first condition that is true; one that fails, or is neither true nor false, fails the state. */
export const enterSwitch = (turn: Turn, scope: Scope, at: AtStep, plan: SwitchPlan): void => {
  const lookup = lookupOf(turn, scope, plan);
  if (typeof lookup === 'string') {
    failState(turn, at, 'switch', stepError('EXPRESSION_ERROR', lookup));
    return;
  }
  for (const [matched, condition] of plan.conditions.entries()) {
    const evaluated = turn.world.evaluate.expression(condition.if, lookup);
    const where = `condition ${matched + 1}, ${condition.if}:`;
    if (!evaluated.ok) {
      failState(turn, at, 'switch', stepError(evaluated.code, `${where} ${evaluated.message}`));
      return;
    }
    if (evaluated.value === true) {
      turn.emit({ type: 'state.completed', ...at, kind: 'switch', next: condition.next, matched });
      return;
    }
    if (evaluated.value !== false) {
      const message = `${where} gives ${kindOf(evaluated.value)}; it must be true or false`;
      failState(turn, at, 'switch', stepError('EXPRESSION_ERROR', message));
      return;
    }
  }
  if (plan.defaultNext !== undefined) {
    turn.emit({ type: 'state.completed', ...at, kind: 'switch', next: plan.defaultNext, matched: -1 });
    return;
  }
  const message = `none of ${plan.conditions.length} conditions is true, and there is no default`;
  failState(turn, at, 'switch', stepError('NO_MATCHING_CONDITION', message));
};

/** The names of the conditions, or what is wrong with `dataPath`. */
const lookupOf = (turn: Turn, scope: Scope, plan: SwitchPlan): Lookup | string => {
  if (plan.dataPath === undefined) return lookupIn(turn.run, scope);
  const node = nodeAt(scope.context, plan.dataPath);
  if (node === undefined)
    return `dataPath ${formatPath(plan.dataPath)} leads nowhere: ${explainAbsence(scope.context, plan.dataPath)}`;
  return lookupIn(turn.run, scope, { value: plain(node) });
};

export const enterInject = (turn: Turn, scope: Scope, at: AtStep, plan: InjectPlan): void => {
  const rendered = renderTemplate(plan.data, lookupIn(turn.run, scope), turn.world.evaluate);
  if (rendered.ok) completeInstant(turn, at, plan, rendered.value);
  else failState(turn, at, 'inject', rendered.error);
};

export const enterTransform = (turn: Turn, scope: Scope, at: AtStep, plan: TransformPlan): void => {
  const evaluated = turn.world.evaluate.script(plan.script, lookupIn(turn.run, scope));
  if (evaluated.ok) completeInstant(turn, at, plan, evaluated.value);
  else failState(turn, at, 'transform', stepError(evaluated.code, evaluated.message));
};

const completeInstant = (turn: Turn, at: AtStep, plan: InjectPlan | TransformPlan, output: Json): void => {
  const { type: kind, resultPath, next } = plan;
  const problem = resultProblem(turn.world, at.state, output, resultPath);
  if (problem === undefined) turn.emit({ type: 'state.completed', ...at, kind, next, output, resultPath });
  else failState(turn, at, kind, problem);
};
