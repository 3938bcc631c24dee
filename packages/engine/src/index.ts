export { backoffMs } from './backoff.js';
export type * from './command.js';
export { maxQuorum } from './decide/approval-request.js';
export { decide } from './decide/decide.js';
export { hasRoomForRefusal } from './decide/limits.js';
export type { Decision } from './decide/refusal.js';
export type * from './effect.js';
export { type StepError, type StepErrorCode, stepError, stepErrorCodes } from './error.js';
export {
  type EvaluationTask,
  evaluationTask,
  isLastAnswer,
  outputOf as evaluationOutput,
} from './evaluation.js';
export type * from './event.js';
export { evolve } from './evolve/evolve.js';
export { listed } from './excerpt.js';
export { familyOfChild, rootRunIdOf, startsChild } from './family.js';
export {
  type PendingDispatch,
  pendingDispatch,
  pendingDispatches,
  timers,
  waitsForChild,
} from './in-flight.js';
export { parseInstant } from './instant.js';
export { InvariantViolation } from './invariant-violation.js';
export { isJsonObject, type Json, type JsonObject } from './json.js';
export { sizeProblem } from './json-size.js';
export type * from './plan.js';
export { react } from './react.js';
export { type RunOutcome, runOutcome } from './run-outcome.js';
export {
  type ApprovalStatus,
  initialState,
  type RunState,
  type StepKind,
  type Timer,
} from './run-state.js';
export {
  endedStatuses,
  isEnded,
  type RunStatus,
  runStatuses,
  type StepStatus,
  stepStatuses,
} from './run-status.js';
export { restore, snapshot } from './snapshot.js';
export { runStatus } from './status.js';
export { childRunIdOf, type StepPlace, stepIdOf } from './step-id.js';
export { type Rendered, renderTemplate } from './template.js';
export {
  type ApprovalView,
  approvalView,
  contextView,
  type RunView,
  runView,
  type StepView,
  stepIds,
  stepView,
} from './views.js';
export type * from './world.js';
