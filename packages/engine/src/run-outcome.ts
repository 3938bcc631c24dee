/** How a run has ended, in the words that its parent is told. */
import { type StepError, stepError } from './error.js';
import type { Json } from './json.js';
import type { RunState } from './run-state.js';

export type RunOutcome =
  | { readonly ok: true; readonly output: Json }
  | { readonly ok: false; readonly error: StepError };

/** Undefined until the run has ended. */
export const runOutcome = (state: RunState): RunOutcome | undefined => {
  if (state.kind === 'none') return undefined;
  const { phase } = state;
  switch (phase.kind) {
    case 'running':
    case 'paused':
    case 'ending':
      return undefined;
    case 'completed':
      return { ok: true, output: phase.output };
    case 'failed':
    case 'timed_out':
      return { ok: false, error: phase.error };
    case 'cancelled': {
      const reason = phase.reason === undefined ? '' : `: ${phase.reason}`;
      return { ok: false, error: stepError('CANCELLED', `Cancelled by ${phase.actor}${reason}`) };
    }
  }
};
