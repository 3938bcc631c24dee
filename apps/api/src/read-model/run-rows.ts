/**
 * The rows of runs, steps and approvals: views of the folded state, written once for all that has touched them since.
 */
import {
  type ApprovalView,
  approvalView,
  type RunState,
  type RunStatus,
  type RunView,
  runStatus,
  runView,
  stepView,
} from '@signalbox/engine';
import type { RunEventMessage } from '@signalbox/protocol';
import type BetterSqlite3 from 'better-sqlite3';
import type { ApprovalStatus } from '../resources/run.js';
import type { ReadModelDatabase } from './schema.js';

/** What a row shows and the state does not hold: taken from the events as they pass. */
interface StepNotes {
  readonly beganSequence: number;
  readonly beganAt: number;
  target: string | null;
  matched: number | null;
  next: string | null;
}

/** What has been touched in one run since its rows were written. */
export interface Touched {
  /** As the rows say; undefined for a new run. */
  readonly statusBefore: RunStatus | undefined;
  readonly steps: Map<string, StepNotes>;
  readonly approvals: Map<string, { readonly sequence: number }>;
}

/** `before`: the run as its rows say. */
export const nothingTouched = (before: RunState): Touched => ({
  statusBefore: before.kind === 'none' ? undefined : runStatus(before),
  steps: new Map(),
  approvals: new Map(),
});

/** Notes what an event touches. */
export const touch = (touched: Touched, sequence: number, at: number, event: RunEventMessage): void => {
  if ('approvalId' in event && !touched.approvals.has(event.approvalId))
    touched.approvals.set(event.approvalId, { sequence });
  if (!('stepId' in event) || event.type.startsWith('run.') || event.type === 'scopes.forked') return;
  let notes = touched.steps.get(event.stepId);
  if (notes === undefined) {
    notes = { beganSequence: sequence, beganAt: at, target: null, matched: null, next: null };
    touched.steps.set(event.stepId, notes);
  }
  if (event.type === 'step.scheduled') notes.target = event.target;
  if (event.type === 'state.completed' && event.matched !== undefined) {
    notes.matched = event.matched;
    notes.next = event.next;
  }
};

const approvalStatusOf = {
  PENDING: 'pending',
  APPROVED: 'approved',
  REJECTED: 'rejected',
  EXPIRED: 'expired',
  CLOSED: 'closed',
} as const satisfies Record<ApprovalView['status'], ApprovalStatus>;

const text = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));

const newRun = `
INSERT INTO runs (run_id, workflow_id, workflow_version, workflow_digest, status, input, output, error, started_by,
  started_at, ended_at, idempotency_key, parent_run_id, parent_step_id, root_run_id, root_depth)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const updateRun = `
UPDATE runs SET status = ?, output = ?, error = ?, ended_at = ? WHERE run_id = ?`;

// What a step began with stays; the rest follows the state.
const upsertStep = `
INSERT INTO steps (run_id, step_id, began_sequence, scope, state, visit, kind, action, target, status, attempt,
  scheduled_at, started_at, finished_at, retry_at, worker, error, warnings, matched, next, child_run_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET kind = excluded.kind, action = excluded.action,
  target = coalesce(excluded.target, target), status = excluded.status, attempt = excluded.attempt,
  started_at = excluded.started_at, finished_at = excluded.finished_at, retry_at = excluded.retry_at,
  worker = excluded.worker, error = excluded.error, warnings = excluded.warnings,
  matched = coalesce(excluded.matched, matched), next = coalesce(excluded.next, next),
  child_run_id = excluded.child_run_id`;

const upsertApproval = `
INSERT INTO approvals (run_id, approval_id, step_id, workflow_id, requested_sequence, status, message, summary,
  summary_digest, approvers, quorum, allow_requester, requested_by, requested_at, expires_at, endorsements,
  decided_by, decided_at, comment, data)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET status = excluded.status, endorsements = excluded.endorsements,
  decided_by = excluded.decided_by, decided_at = excluded.decided_at, comment = excluded.comment,
  data = excluded.data`;

export const createRunRows = (db: ReadModelDatabase) => {
  const runInsert = db.prepare<unknown[]>(newRun);
  const runUpdate = db.prepare<unknown[]>(updateRun);
  const step = db.prepare<unknown[]>(upsertStep);
  const approval = db.prepare<unknown[]>(upsertApproval);
  /** Writes the row of a run, where its status has changed, and those of what was touched in it. */
  return (runId: string, state: RunState, touched: Touched): void => {
    if (state.kind === 'none') return;
    const isNew = touched.statusBefore === undefined;
    const run = isNew || runStatus(state) !== touched.statusBefore ? runView(state) : undefined;
    if (run !== undefined && isNew) insertRun(runInsert, runId, run);
    else if (run !== undefined)
      runUpdate.run(run.status, text(run.output), text(run.error), run.endedAt ?? null, runId);
    for (const [stepId, notes] of touched.steps) writeStep(step, runId, state, stepId, notes);
    for (const [approvalId, { sequence }] of touched.approvals)
      writeApproval(approval, runId, state.started.workflow.id, approvalView(state, approvalId), sequence);
  };
};

type Statement = BetterSqlite3.Statement<unknown[]>;

const insertRun = (sql: Statement, runId: string, run: RunView): void => {
  sql.run(
    runId,
    run.workflow.id,
    run.workflow.version,
    run.workflow.digest,
    run.status,
    JSON.stringify(run.input),
    text(run.output),
    text(run.error),
    run.startedBy,
    run.startedAt,
    run.endedAt ?? null,
    run.idempotencyKey ?? null,
    run.parent?.runId ?? null,
    run.parent?.stepId ?? null,
    run.root?.runId ?? null,
    run.root?.depth ?? null,
  );
};

const writeStep = (
  sql: Statement,
  runId: string,
  state: RunState,
  stepId: string,
  notes: StepNotes,
): void => {
  const view = stepView(state, stepId);
  if (view === undefined) return;
  sql.run(
    runId,
    stepId,
    notes.beganSequence,
    view.scope,
    view.state,
    view.visit,
    view.kind,
    view.action ?? null,
    notes.target,
    view.status,
    view.attempt,
    notes.beganAt,
    view.startedAt ?? null,
    view.endedAt ?? null,
    view.retryAt ?? null,
    view.worker ?? null,
    text(view.error),
    text(view.warnings),
    notes.matched,
    notes.next,
    view.childRunId ?? null,
  );
};

const writeApproval = (
  sql: Statement,
  runId: string,
  workflowId: string,
  view: ApprovalView | undefined,
  sequence: number,
): void => {
  if (view === undefined) return;
  sql.run(
    runId,
    view.approvalId,
    view.stepId,
    workflowId,
    sequence,
    approvalStatusOf[view.status],
    view.message,
    text(view.summary),
    view.summaryDigest,
    JSON.stringify(view.approvers),
    view.quorum,
    view.allowRequester ? 1 : 0,
    view.requestedBy,
    view.requestedAt,
    view.expiresAt ?? null,
    JSON.stringify(view.endorsements),
    view.decidedBy ?? null,
    view.closedAt ?? null,
    view.comment ?? null,
    text(view.data),
  );
};
