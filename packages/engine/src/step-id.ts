import type { ScopePath } from './event.js';

export interface StepPlace {
  readonly runId: string;
  readonly state: string;
  readonly scope: ScopePath;
  /** Of the innermost foreach around the state. */
  readonly foreachIndex: number | undefined;
  /** 1 at the first visit of the state in its scope. */
  readonly visit: number;
}

export const stepIdLength = 16;

/**
 * The first 16 hex digits of SHA-256 over `run_id|state_name|branch_path|foreach_index`, and `|visit` from the second
 * visit on. The branch path is the whole scope path, which by itself tells all scopes of a run apart; the foreach
 * index is empty outside a foreach. The same place of the same run always has the same id.
 */
export const stepIdOf = (place: StepPlace, digest: (text: string) => string): string => {
  const { runId, state, scope, foreachIndex, visit } = place;
  const again = visit > 1 ? `|${visit}` : '';
  return digest(`${runId}|${state}|${scope}|${foreachIndex ?? ''}${again}`).slice(0, stepIdLength);
};

const uuidParts = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/;

/** Run id of a child run: a UUID of version 8 (RFC 9562), the same each time the same step starts it. */
export const childRunIdOf = (runId: string, stepId: string, digest: (text: string) => string): string =>
  digest(`child|${runId}|${stepId}`).replace(uuidParts, '$1-$2-8$3-8$4-$5').slice(0, 36);
