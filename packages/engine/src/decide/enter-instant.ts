/** States that are over as soon as they are entered: switch, inject, transform. */
import { kindOf } from '../context.js';
import { stepError } from '../error.js';
import { noNames } from '../evaluation.js';
import type { AtStep } from '../event.js';
import type { Json } from '../json.js';
import type { InjectPlan, SwitchPlan, TransformPlan } from '../plan.js';
import { renderTemplate } from '../template.js';
import type { Evaluator } from '../world.js';
import { failState } from './follow.js';
import { resultProblem } from './too-large.js';
import type { Turn } from './turn.js';

/** The first condition that is true; one that fails, or is neither true nor false, fails the state. */
export const enterSwitch = (turn: Turn, at: AtStep, plan: SwitchPlan, answers: Evaluator): void => {
  for (const [matched, condition] of plan.conditions.entries()) {
    const evaluated = answers.expression(condition.if, noNames);
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

export const enterInject = (turn: Turn, at: AtStep, plan: InjectPlan, answers: Evaluator): void => {
  const rendered = renderTemplate(plan.data, noNames, answers);
  if (rendered.ok) completeInstant(turn, at, plan, rendered.value);
  else failState(turn, at, 'inject', rendered.error);
};

export const enterTransform = (turn: Turn, at: AtStep, plan: TransformPlan, answers: Evaluator): void => {
  const evaluated = answers.script(plan.script, noNames);
  if (evaluated.ok) completeInstant(turn, at, plan, evaluated.value);
  else failState(turn, at, 'transform', stepError(evaluated.code, evaluated.message));
};

const completeInstant = (turn: Turn, at: AtStep, plan: InjectPlan | TransformPlan, output: Json): void => {
  const { type: kind, resultPath, next } = plan;
  const problem = resultProblem(turn.world, at.state, output, resultPath);
  if (problem === undefined) turn.emit({ type: 'state.completed', ...at, kind, next, output, resultPath });
  else failState(turn, at, kind, problem);
};
