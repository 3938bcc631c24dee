/** Enters the state that a scope stands before. */
import { writeProblem } from '../context.js';
import { stepError } from '../error.js';
import { askedBy, evaluatorOf } from '../evaluation.js';
import type { AtStep } from '../event.js';
import type { StatePlan } from '../plan.js';
import type { Scope } from '../run-state.js';
import type { Evaluator } from '../world.js';
import { enterInject, enterSwitch, enterTransform } from './enter-instant.js';
import { enterForeach, enterParallel } from './enter-join.js';
import { enterOperation } from './enter-operation.js';
import { enterChildWorkflow, enterSignal, enterWait } from './enter-waiting.js';
import { answersFor } from './evaluate.js';
import { failState } from './follow.js';
import { endedByVisits } from './limits.js';
import type { Turn } from './turn.js';

export const enterState = (turn: Turn, scope: Scope, state: string): void => {
  if (endedByVisits(turn, scope, state)) return;
  const plan = turn.statePlan(scope, state);
  const at = turn.placeFor(scope, state);
  // The context of a scope changes only by its own states, so a path that can be written now can be written when the
  // result comes: no worker is sent for a result that could not be kept.
  const problem = 'resultPath' in plan ? writeProblem(scope.context, plan.resultPath) : undefined;
  if (problem !== undefined) {
    failState(turn, at, plan.type, stepError('TEMPLATE_ERROR', `the result could not be kept: ${problem}`));
    return;
  }
  const answered = answersFor(turn, scope, { kind: 'state', asked: askedBy(plan), at, plan });
  if (answered === undefined) return;
  if (answered.ok) enter(turn, scope, at, plan, evaluatorOf(answered.answers));
  else failState(turn, at, plan.type, answered.error);
};

const enter = (turn: Turn, scope: Scope, at: AtStep, plan: StatePlan, answers: Evaluator): void => {
  switch (plan.type) {
    case 'operation':
      enterOperation(turn, scope, at, plan, answers);
      break;
    case 'switch':
      enterSwitch(turn, at, plan, answers);
      break;
    case 'parallel':
      enterParallel(turn, at, plan);
      break;
    case 'foreach':
      enterForeach(turn, scope, at, plan);
      break;
    case 'inject':
      enterInject(turn, at, plan, answers);
      break;
    case 'transform':
      enterTransform(turn, at, plan, answers);
      break;
    case 'wait':
      enterWait(turn, at, plan, answers);
      break;
    case 'signal':
      enterSignal(turn, at, plan);
      break;
    case 'workflow':
      enterChildWorkflow(turn, at, plan, answers);
      break;
  }
};
