/** Enters the state that a scope stands before. */
import { writeProblem } from '../context.js';
import { stepError } from '../error.js';
import type { AtStep } from '../event.js';
import type { StatePlan } from '../plan.js';
import type { Scope } from '../run-state.js';
import { stepIdOf } from '../step-id.js';
import { enterInject, enterSwitch, enterTransform } from './enter-instant.js';
import { enterForeach, enterParallel } from './enter-join.js';
import { enterOperation } from './enter-operation.js';
import { enterChildWorkflow, enterSignal, enterWait } from './enter-waiting.js';
import { failState } from './follow.js';
import type { Turn } from './turn.js';

export const enterState = (turn: Turn, scope: Scope, state: string): void => {
  const plan = turn.statePlan(scope, state);
  const at = placeFor(turn, scope, state);
  // The context of a scope changes only by its own states, so a path that can be written now can be written when the
  // result comes: no worker is sent for a result that could not be kept.
  const problem = 'resultPath' in plan ? writeProblem(scope.context, plan.resultPath) : undefined;
  if (problem !== undefined) {
    failState(turn, at, plan.type, stepError('TEMPLATE_ERROR', `the result could not be kept: ${problem}`));
    return;
  }
  enter(turn, scope, at, plan);
};

const placeFor = (turn: Turn, scope: Scope, state: string): AtStep => {
  const visit = (scope.visits.get(state) ?? 0) + 1;
  const { path, foreachIndex } = scope;
  const { runId } = turn.run.started;
  const stepId = stepIdOf({ runId, state, scope: path, foreachIndex, visit }, turn.world.digest);
  return { stepId, scope: path, state, visit };
};

const enter = (turn: Turn, scope: Scope, at: AtStep, plan: StatePlan): void => {
  switch (plan.type) {
    case 'operation':
      enterOperation(turn, scope, at, plan);
      break;
    case 'switch':
      enterSwitch(turn, scope, at, plan);
      break;
    case 'parallel':
      enterParallel(turn, at, plan);
      break;
    case 'foreach':
      enterForeach(turn, scope, at, plan);
      break;
    case 'inject':
      enterInject(turn, scope, at, plan);
      break;
    case 'transform':
      enterTransform(turn, scope, at, plan);
      break;
    case 'wait':
      enterWait(turn, scope, at, plan);
      break;
    case 'signal':
      enterSignal(turn, at, plan);
      break;
    case 'workflow':
      enterChildWorkflow(turn, scope, at, plan);
      break;
  }
};
