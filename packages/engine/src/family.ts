/** A root run with the child runs below it, linked or not: one limit and one share of the orchestrator's time for all of them. */
import type { RootOfChild, RunEvent, RunStarted } from './event.js';

/** The root run of a run: often the run itself. */
export const rootRunIdOf = ({ root, runId }: Pick<RunStarted, 'root' | 'runId'>): string =>
  root?.runId ?? runId;

/** Whether it orders a child run: each that does counts, whatever becomes of the start. */
export const startsChild = (event: RunEvent): boolean =>
  event.type === 'state.entered' && event.kind === 'workflow';

/** What the start of a child run carries of its family. */
export const familyOfChild = (
  parent: RunStarted,
): { readonly root: RootOfChild; readonly maxFamilyRuns: number } => ({
  root: { runId: rootRunIdOf(parent), depth: (parent.root?.depth ?? 0) + 1 },
  maxFamilyRuns: parent.limits.maxFamilyRuns,
});
