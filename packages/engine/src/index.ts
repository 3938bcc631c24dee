export type * from './command.js';
export type * from './effect.js';
export { type StepError, type StepErrorCode, stepError, stepErrorCodes } from './error.js';
export type * from './event.js';
export { isJsonObject, type Json, type JsonObject } from './json.js';
export type * from './plan.js';
export {
  endedStatuses,
  isEnded,
  type RunStatus,
  runStatuses,
  type StepStatus,
  stepStatuses,
} from './run-status.js';
export type * from './world.js';
