import type { StepError } from '../error.js';
import type { Actor, AtStep } from '../event.js';
import type { Step } from '../run-state.js';

/** A failure on its way outwards through the scopes. */
export interface Failure {
  /** As the failing scope sees it: a join's error says which child. */
  readonly error: StepError;
  /** The step that failed first; absent where it was the end of a scope, which is no step. */
  readonly originStepId?: string;
  /** Of the operation that failed first. */
  readonly originMaxAttempts?: number;
  /** Somebody rejected an approval: without a `catch` the run ends cancelled. */
  readonly rejectedBy?: { readonly actor: Actor; readonly comment?: string };
}

export const placeOf = (step: Step): AtStep => ({
  stepId: step.stepId,
  scope: step.scope,
  state: step.state,
  visit: step.visit,
});
