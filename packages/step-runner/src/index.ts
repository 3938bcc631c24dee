export { type RunStepsOptions, runSteps, type StepRun } from './run-steps.js';
