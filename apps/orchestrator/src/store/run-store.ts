/**
 * The history of every run, and what is derived from it: run rows, step rows, approval rows, snapshots.
 *
 * 1. Only the history is the truth. The row of a run says how it stands, and is written when that changes.
 * 2. `position` counts events over all runs in the order of their commits; the relay publishes in that order.
 * 3. A step has a row while it is open, after the last event of the same transaction.
 */
import type { RecordedEvent, RunEvent, RunStarted, RunStatus } from '@signalbox/engine';
import { type RunKey, runKeyOf } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';
import { fromRunEventRow, type RunEventRow, type StoredRunEvent } from '../wire/event-codec.js';

export interface RunRow {
  readonly workspace: string;
  readonly workflowId: string;
  readonly workflowVersion: number;
  readonly status: RunStatus;
  readonly seq: number;
}

export interface StepRow {
  readonly stepId: string;
  readonly kind: string;
  readonly status: string;
  readonly attempt: number;
  readonly scheduledAt?: number;
}

export interface ApprovalRow {
  readonly approvalId: string;
  readonly stepId: string;
  readonly status: string;
  readonly message: string;
  readonly requestedAt: number;
  readonly expiresAt?: number;
  readonly decidedAt?: number;
  readonly decidedBy?: string;
}

export type RunStore = ReturnType<typeof createRunStore>;

export const createRunStore = (sql: Database) => ({
  ...createHistory(sql),
  ...createRunRows(sql),
  ...createFamilies(sql),
  ...createStepRows(sql),
  ...createApprovalRows(sql),
});

const createHistory = (sql: Database) => {
  const insert = sql.prepare<unknown[]>(
    'INSERT INTO workflow_run_events (position, run_key, seq, at, type, data, causation_id) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const after = sql.prepare<[RunKey, number], RunEventRow>(
    'SELECT * FROM workflow_run_events WHERE run_key = ? AND seq > ? ORDER BY seq',
  );
  const unpublished = sql.prepare<[number, number], RunEventRow>(
    'SELECT * FROM workflow_run_events WHERE position > ? ORDER BY position LIMIT ?',
  );
  const snapshot = sql.prepare<[RunKey], { seq: number; state: string }>(
    'SELECT seq, state FROM run_snapshots WHERE run_key = ?',
  );
  const putSnapshot = sql.prepare<[RunKey, number, string]>(
    `INSERT INTO run_snapshots (run_key, seq, state) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET seq = excluded.seq, state = excluded.state`,
  );
  let position = sql
    .prepare<[], number>(
      'SELECT max((SELECT coalesce(max(position), 0) FROM workflow_run_events), (SELECT events_position FROM relay))',
    )
    .pluck()
    .get() as number;

  return {
    /** `data` is the event as JSON text without its type. */
    append: (
      runKey: RunKey,
      seq: number,
      at: number,
      type: RunEvent['type'],
      data: string,
      causationId: string | undefined,
    ): void => {
      position += 1;
      insert.run(position, runKey, seq, at, type, data, causationId ?? null);
    },
    lastPosition: (): number => position,
    /** After a transaction that was rolled back: to where it began. */
    rewind: (to: number): void => {
      position = to;
    },
    /** The events of a run behind `seq`, one after the other. */
    *history(runKey: RunKey, seq: number): Generator<RecordedEvent> {
      for (const row of after.iterate(runKey, seq)) yield fromRunEventRow(row);
    },
    unpublished: (publishedPosition: number, limit: number): StoredRunEvent[] =>
      unpublished.all(publishedPosition, limit).map((row) => ({
        position: row.position,
        runKey: row.run_key,
        ...(row.causation_id === null ? {} : { causationId: row.causation_id }),
        recorded: fromRunEventRow(row),
      })),
    snapshot: (runKey: RunKey): { readonly seq: number; readonly state: string } | undefined =>
      snapshot.get(runKey),
    putSnapshot: (runKey: RunKey, seq: number, state: string): void => {
      putSnapshot.run(runKey, seq, state);
    },
  };
};

interface RunSqlRow {
  readonly workspace: string;
  readonly workflow_id: string;
  readonly workflow_version: number;
  readonly status: RunStatus;
  readonly seq: number;
}

const createRunRows = (sql: Database) => {
  const insert = sql.prepare<unknown[]>(
    `INSERT INTO workflow_runs (run_key, workspace, run_id, workflow_id, workflow_version, status, seq, started_by, started_at, idempotency_key, parent_run_id, root_run_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = sql.prepare<unknown[]>(
    'UPDATE workflow_runs SET status = ?, seq = ?, ended_at = ?, error = ? WHERE run_key = ?',
  );
  const find = sql.prepare<[RunKey], RunSqlRow>(
    'SELECT workspace, workflow_id, workflow_version, status, seq FROM workflow_runs WHERE run_key = ?',
  );
  const active = sql
    .prepare<[string, string], number>(
      'SELECT 1 FROM workflow_runs WHERE workspace = ? AND workflow_id = ? AND ended_at IS NULL LIMIT 1',
    )
    .pluck();

  return {
    find: (runKey: RunKey): RunRow | undefined => {
      const row = find.get(runKey);
      return (
        row && {
          workspace: row.workspace,
          workflowId: row.workflow_id,
          workflowVersion: row.workflow_version,
          status: row.status,
          seq: row.seq,
        }
      );
    },
    hasActive: (workspace: string, workflowId: string): boolean =>
      active.get(workspace, workflowId) !== undefined,
    addRun: (run: RunStarted, status: RunStatus, seq: number, startedAt: number): void => {
      insert.run(
        runKeyOf(run),
        run.workspace,
        run.runId,
        run.workflow.id,
        run.workflow.version,
        status,
        seq,
        run.startedBy,
        startedAt,
        run.idempotencyKey ?? null,
        run.parent?.runId ?? null,
        run.root?.runId ?? null,
      );
    },
    updateRun: (
      runKey: RunKey,
      status: RunStatus,
      seq: number,
      endedAt: number | undefined,
      error: unknown,
    ): void => {
      update.run(status, seq, endedAt ?? null, error === undefined ? null : JSON.stringify(error), runKey);
    },
  };
};

const createFamilies = (sql: Database) => {
  const add = sql.prepare<[RunKey]>(
    `INSERT INTO run_families (root_run_key, child_run_count) VALUES (?, 1)
     ON CONFLICT DO UPDATE SET child_run_count = child_run_count + 1`,
  );
  const count = sql
    .prepare<[RunKey], number>('SELECT child_run_count FROM run_families WHERE root_run_key = ?')
    .pluck();
  const rootOf = sql
    .prepare<[RunKey], string | null>('SELECT root_run_id FROM workflow_runs WHERE run_key = ?')
    .pluck();
  return {
    addChildRun: (root: RunKey): void => {
      add.run(root);
    },
    childRunCount: (root: RunKey): number => count.get(root) ?? 0,
    /** The root run of a child run; undefined of a root run, and of one that is not there. */
    rootRunIdOf: (runKey: RunKey): string | undefined => rootOf.get(runKey) ?? undefined,
  };
};

const createStepRows = (sql: Database) => {
  const put = sql.prepare<unknown[]>(
    `INSERT INTO open_steps (run_key, step_id, kind, status, attempt, scheduled_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET kind = excluded.kind, status = excluded.status, attempt = excluded.attempt,
       scheduled_at = excluded.scheduled_at`,
  );
  const drop = sql.prepare<[RunKey, string]>('DELETE FROM open_steps WHERE run_key = ? AND step_id = ?');
  const dropAll = sql.prepare<[RunKey]>('DELETE FROM open_steps WHERE run_key = ?');
  return {
    putOpenStep: (runKey: RunKey, { stepId, kind, status, attempt, scheduledAt }: StepRow): void => {
      put.run(runKey, stepId, kind, status, attempt, scheduledAt ?? null);
    },
    dropOpenStep: (runKey: RunKey, stepId: string): void => {
      drop.run(runKey, stepId);
    },
    /** The run has ended. */
    dropOpenSteps: (runKey: RunKey): void => {
      dropAll.run(runKey);
    },
  };
};

const createApprovalRows = (sql: Database) => {
  const approval = sql.prepare<unknown[]>(
    `INSERT INTO workflow_approvals (run_key, approval_id, step_id, status, message, requested_at, expires_at, decided_at, decided_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET status = excluded.status, decided_at = excluded.decided_at, decided_by = excluded.decided_by`,
  );

  return {
    putApproval: (runKey: RunKey, a: ApprovalRow): void => {
      approval.run(
        runKey,
        a.approvalId,
        a.stepId,
        a.status,
        a.message,
        a.requestedAt,
        a.expiresAt ?? null,
        a.decidedAt ?? null,
        a.decidedBy ?? null,
      );
    },
  };
};
