/**
 * What a history says that breaks off in the middle of a decision. All events of a decision are recorded together; a log
 * that was written one by one may lack the last of them, and a database that is made from it has nothing else.
 *
 * The state alone tells: between two events of a decision there is something that only the same decision can go on with.
 */
import type { Approval, Join, Run, Scope, Step } from './run-state.js';
import { verdictOn } from './verdict-on-join.js';

export type Interruption =
  /** The children have done enough. */
  | { readonly kind: 'join_decided'; readonly join: Join }
  /** An attempt has failed; whether there is another is not recorded. */
  | { readonly kind: 'attempt_failed'; readonly step: Step }
  /** A state has failed; what follows from it is not recorded. */
  | { readonly kind: 'state_failed'; readonly step: Step }
  | { readonly kind: 'approval_not_requested'; readonly step: Step }
  /** Or expired. */
  | { readonly kind: 'approval_decided'; readonly approval: Approval }
  | { readonly kind: 'signal_not_taken'; readonly signal: string }
  /** A child run that is not waited for was started. */
  | { readonly kind: 'child_detached'; readonly step: Step }
  /** The end of the run has begun to take back what was in flight. */
  | { readonly kind: 'end_not_recorded' };

/** The first thing to go on with; undefined between two decisions. Costs what is in flight. */
export const interruption = (run: Run): Interruption | undefined => {
  if (run.phase.kind !== 'running' && run.phase.kind !== 'paused') return undefined;
  for (const join of run.joins.values())
    if (verdictOn(join) !== undefined) return { kind: 'join_decided', join };
  return inSteps(run) ?? inSignals(run) ?? inScopes(run);
};

const inSteps = (run: Run): Interruption | undefined => {
  for (const stepId of run.open.keys()) {
    const step = run.steps.get(stepId);
    const approval = run.approvals.get(stepId);
    if (step?.open?.kind === 'failed') return { kind: 'attempt_failed', step };
    if (step?.open?.kind === 'workflow' && !step.open.waits) return { kind: 'child_detached', step };
    if (step?.open?.kind !== 'approval') continue;
    if (approval === undefined) return { kind: 'approval_not_requested', step };
    if (approval.status !== 'PENDING') return { kind: 'approval_decided', approval };
  }
  return undefined;
};

const inSignals = ({ signals }: Run): Interruption | undefined => {
  for (const signal of signals.waiting.keys())
    if (signals.kept.has(signal)) return { kind: 'signal_not_taken', signal };
  return undefined;
};

const inScopes = (run: Run): Interruption | undefined => {
  for (const { cursor } of run.scopes.values()) {
    const step = cursor.kind === 'failing' ? run.steps.get(cursor.stepId) : undefined;
    if (step !== undefined) return { kind: 'state_failed', step };
  }
  // Below a join that is closing, more than one decision takes back what is in flight.
  if (run.closing.size > 0) return undefined;
  const isTakenBack = ({ cursor }: Scope): boolean => cursor.kind === 'at' && !run.open.has(cursor.stepId);
  const hasLostChild = ({ forkedCount, live, succeededCount, failedCount }: Join): boolean =>
    forkedCount > live.size + succeededCount + failedCount;
  const isEnding = [...run.scopes.values()].some(isTakenBack) || [...run.joins.values()].some(hasLostChild);
  return isEnding ? { kind: 'end_not_recorded' } : undefined;
};
