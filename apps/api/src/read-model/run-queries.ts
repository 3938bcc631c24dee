/** Reads of runs, steps, events and approvals. */
import type { RunStatus, StepStatus } from '@signalbox/engine';
import type {
  ApprovalResource,
  ApprovalStatus,
  EventResource,
  RunResource,
  RunSummary,
  StepSummary,
} from '../resources/run.js';
import { toInstantText, toOptionalInstantText } from '../resources/shapes.js';
import type { ReadModelDatabase } from './schema.js';

/** Where a list, newest first, goes on: behind this item. */
export interface ListPosition {
  readonly at: number;
  readonly id: string;
}

export interface RunFilter {
  readonly workflow?: string | undefined;
  readonly status?: RunStatus | undefined;
}

/** `next` is absent on the last page. */
export interface Page<T> {
  readonly items: T[];
  readonly next?: ListPosition;
}

interface RunRow {
  run_id: string;
  workflow_id: string;
  workflow_version: number;
  workflow_digest: string;
  status: RunStatus;
  input: string;
  output: string | null;
  error: string | null;
  started_by: string;
  started_at: number;
  updated_at: number;
  ended_at: number | null;
  parent_run_id: string | null;
  parent_step_id: string | null;
  last_sequence: number;
}

interface StepRow {
  step_id: string;
  began_sequence: number;
  scope: string;
  state: string;
  visit: number;
  kind: string;
  action: string | null;
  target: string | null;
  status: StepStatus;
  attempt: number;
  scheduled_at: number;
  started_at: number | null;
  finished_at: number | null;
  retry_at: number | null;
  worker: string | null;
  error: string | null;
  warnings: string | null;
  matched: number | null;
  next: string | null;
  child_run_id: string | null;
}

interface EventRow {
  sequence: number;
  type: string;
  at: number;
  causation_id: string | null;
  data: string;
}

interface ApprovalRow {
  run_id: string;
  approval_id: string;
  step_id: string;
  workflow_id: string;
  status: ApprovalStatus;
  message: string;
  summary: string | null;
  summary_digest: string;
  approvers: string;
  quorum: number;
  allow_requester: number;
  requested_by: string;
  requested_at: number;
  expires_at: number | null;
  endorsements: string;
  decided_by: string | null;
  decided_at: number | null;
  comment: string | null;
  data: string | null;
}

const parsed = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T));

const toRunSummary = (row: RunRow): RunSummary => ({
  runId: row.run_id,
  workflow: { id: row.workflow_id, version: row.workflow_version, digest: row.workflow_digest },
  status: row.status,
  startedBy: row.started_by,
  startedAt: toInstantText(row.started_at),
  updatedAt: toInstantText(row.updated_at),
  endedAt: toOptionalInstantText(row.ended_at),
  error: parsed(row.error),
});

const toStep = (row: StepRow): StepSummary => ({
  stepId: row.step_id,
  scope: row.scope,
  state: row.state,
  visit: row.visit,
  kind: row.kind,
  action: row.action,
  target: row.target,
  status: row.status,
  attempt: row.attempt,
  scheduledAt: toInstantText(row.scheduled_at),
  startedAt: toOptionalInstantText(row.started_at),
  finishedAt: toOptionalInstantText(row.finished_at),
  retryAt: toOptionalInstantText(row.retry_at),
  worker: row.worker,
  error: parsed(row.error),
  warnings: parsed<StepSummary['warnings']>(row.warnings) ?? [],
  path: row.matched === null ? null : { matched: row.matched, next: row.next },
  childRunId: row.child_run_id,
});

const toEvent = (row: EventRow): EventResource => ({
  sequence: row.sequence,
  type: row.type,
  at: toInstantText(row.at),
  causationId: row.causation_id,
  data: JSON.parse(row.data) as EventResource['data'],
});

type StoredEndorsement = { actor: string; comment?: string; at: number };

const toApproval = (row: ApprovalRow): ApprovalResource => ({
  approvalId: row.approval_id,
  runId: row.run_id,
  stepId: row.step_id,
  workflowId: row.workflow_id,
  status: row.status,
  message: row.message,
  ...(row.summary === null ? {} : { summary: JSON.parse(row.summary) as unknown }),
  summaryDigest: row.summary_digest,
  approvers: JSON.parse(row.approvers) as string[],
  quorum: row.quorum,
  allowRequester: row.allow_requester === 1,
  requestedBy: row.requested_by,
  requestedAt: toInstantText(row.requested_at),
  expiresAt: toOptionalInstantText(row.expires_at),
  endorsements: (JSON.parse(row.endorsements) as StoredEndorsement[]).map((endorsement) => ({
    ...endorsement,
    at: toInstantText(endorsement.at),
  })),
  decidedBy: row.decided_by,
  decidedAt: toOptionalInstantText(row.decided_at),
  comment: row.comment,
  ...(row.data === null ? {} : { data: JSON.parse(row.data) as unknown }),
});

/** Before every item there can be: a list's first page. */
const start: ListPosition = { at: Number.MAX_SAFE_INTEGER, id: '\u{10ffff}' };

/** One row more than asked for says whether there is another page. */
const toPage = <R, T>(
  rows: R[],
  limit: number,
  toItem: (row: R) => T,
  positionOf: (row: R) => ListPosition,
): Page<T> => {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(toItem),
    ...(rows.length > limit && last !== undefined ? { next: positionOf(last) } : {}),
  };
};

export type RunQueries = ReturnType<typeof createRunQueries>;

export const createRunQueries = (db: ReadModelDatabase) => {
  const run = db.prepare<[string], RunRow>('SELECT * FROM runs WHERE run_id = ?');
  const steps = db.prepare<[string], StepRow>(
    'SELECT * FROM steps WHERE run_id = ? ORDER BY began_sequence, step_id',
  );
  const step = db.prepare<[string, string], StepRow>('SELECT * FROM steps WHERE run_id = ? AND step_id = ?');
  const events = db.prepare<[string, number, number], EventRow>(
    'SELECT * FROM events WHERE run_id = ? AND sequence > ? ORDER BY sequence LIMIT ?',
  );
  const listRuns = createRunList(db);
  return {
    listRuns,
    findRun: (runId: string): RunResource | undefined => {
      const row = run.get(runId);
      if (row === undefined) return undefined;
      return {
        ...toRunSummary(row),
        input: JSON.parse(row.input) as unknown,
        ...(row.output === null ? {} : { output: JSON.parse(row.output) as unknown }),
        sequence: row.last_sequence,
        parent:
          row.parent_run_id === null || row.parent_step_id === null
            ? null
            : { runId: row.parent_run_id, stepId: row.parent_step_id },
        steps: steps.all(runId).map(toStep),
      };
    },
    /** The run without its steps. */
    findRunSummary: (runId: string): (RunSummary & { sequence: number; input: unknown }) | undefined => {
      const row = run.get(runId);
      if (row === undefined) return undefined;
      return { ...toRunSummary(row), sequence: row.last_sequence, input: JSON.parse(row.input) as unknown };
    },
    /** With the input that the step began with. */
    findStep: (runId: string, stepId: string): { step: StepSummary; input?: unknown } | undefined => {
      const row = step.get(runId, stepId);
      if (row === undefined) return undefined;
      const began = events.get(runId, row.began_sequence - 1, 1);
      const input = began === undefined ? undefined : toEvent(began).data.input;
      return { step: toStep(row), ...(input === undefined ? {} : { input }) };
    },
    /** Up to `limit` events behind `after`, in order. */
    listEvents: (runId: string, after: number, limit: number): EventResource[] =>
      events.all(runId, after, limit).map(toEvent),
    ...createApprovalQueries(db),
  };
};

const createRunList = (db: ReadModelDatabase) => {
  const behind = '(started_at, run_id) < (?, ?) ORDER BY started_at DESC, run_id DESC LIMIT ?';
  const all = db.prepare<unknown[], RunRow>(`SELECT * FROM runs WHERE ${behind}`);
  const ofWorkflow = db.prepare<unknown[], RunRow>(`SELECT * FROM runs WHERE workflow_id = ? AND ${behind}`);
  const ofStatus = db.prepare<unknown[], RunRow>(`SELECT * FROM runs WHERE status = ? AND ${behind}`);
  const ofBoth = db.prepare<unknown[], RunRow>(
    `SELECT * FROM runs WHERE workflow_id = ? AND status = ? AND ${behind}`,
  );
  /** Newest first. */
  return (filter: RunFilter, limit: number, after: ListPosition = start): Page<RunSummary> => {
    const { workflow, status } = filter;
    const tail = [after.at, after.id, limit + 1] as const;
    const rows =
      workflow !== undefined && status !== undefined
        ? ofBoth.all(workflow, status, ...tail)
        : workflow !== undefined
          ? ofWorkflow.all(workflow, ...tail)
          : status !== undefined
            ? ofStatus.all(status, ...tail)
            : all.all(...tail);
    return toPage(rows, limit, toRunSummary, (row) => ({ at: row.started_at, id: row.run_id }));
  };
};

const createApprovalQueries = (db: ReadModelDatabase) => {
  const one = db.prepare<[string, string], ApprovalRow>(
    'SELECT * FROM approvals WHERE run_id = ? AND approval_id = ?',
  );
  const ofRun = db.prepare<[string], ApprovalRow>(
    'SELECT * FROM approvals WHERE run_id = ? ORDER BY requested_sequence',
  );
  const behind = `(requested_at, run_id || '/' || approval_id) < (?, ?)
    ORDER BY requested_at DESC, run_id || '/' || approval_id DESC LIMIT ?`;
  const all = db.prepare<unknown[], ApprovalRow>(`SELECT * FROM approvals WHERE ${behind}`);
  const ofStatus = db.prepare<unknown[], ApprovalRow>(
    `SELECT * FROM approvals WHERE status = ? AND ${behind}`,
  );
  return {
    findApproval: (runId: string, approvalId: string): ApprovalResource | undefined => {
      const row = one.get(runId, approvalId);
      return row === undefined ? undefined : toApproval(row);
    },
    listApprovalsOfRun: (runId: string): ApprovalResource[] => ofRun.all(runId).map(toApproval),
    /** Newest first. */
    listApprovals: (
      status: ApprovalStatus | undefined,
      limit: number,
      after: ListPosition = start,
    ): Page<ApprovalResource> => {
      const tail = [after.at, after.id, limit + 1] as const;
      const rows = status === undefined ? all.all(...tail) : ofStatus.all(status, ...tail);
      return toPage(rows, limit, toApproval, (row) => ({
        at: row.requested_at,
        id: `${row.run_id}/${row.approval_id}`,
      }));
    },
  };
};
