import type { AtStep } from '../event.js';
import type { Step } from '../run-state.js';

export const placeOf = (step: Step): AtStep => ({
  stepId: step.stepId,
  scope: step.scope,
  state: step.state,
  visit: step.visit,
});
