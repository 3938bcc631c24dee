export {
  createDeadLetterReporter,
  type DeadLetterReporter,
  type DeadLetterReporterOptions,
} from './dead-letter.js';
export { publishUntilStored } from './publish-until-stored.js';
export { type RunStepsOptions, runSteps, type StepRun } from './run-steps.js';
export { type SettleTaskOptions, settleTask } from './settle-task.js';
