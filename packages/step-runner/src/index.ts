export {
  createDeadLetterReporter,
  type DeadLetterReporter,
  type DeadLetterReporterOptions,
} from './dead-letter.js';
export { type KeepProvisionedOptions, type KeptProvisioned, keepProvisioned } from './keep-provisioned.js';
export { pause } from './pause.js';
export { publishUntilStored } from './publish-until-stored.js';
export { type RunStepsOptions, runSteps, type StepRun } from './run-steps.js';
export { type SettleTaskOptions, settleTask } from './settle-task.js';
