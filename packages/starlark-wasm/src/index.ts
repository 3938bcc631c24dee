export { type Budget, type Budgets, createBudgets, decisionFuel } from './budget.js';
export { createEvaluator, type Evaluator } from './evaluator.js';
export { expressionLimits } from './limits.js';
export type { Json, Reads, Scope } from './scope.js';
export {
  type CompileResult,
  createStarlark,
  type EvaluateFailure,
  type EvaluateResult,
  type Measured,
  type NamePlace,
  type Place,
  type Program,
  type Starlark,
  type SyntaxFailure,
} from './starlark.js';
