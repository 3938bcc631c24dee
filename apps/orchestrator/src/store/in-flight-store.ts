/** What the database says somebody else has to answer: attempts of steps, child runs, approvals. */
import type { RecordedEvent } from '@signalbox/engine';
import type { RunKey } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';
import { fromRunEventRow, type RunEventRow } from '../wire/event-codec.js';

export interface InFlightRow {
  readonly runKey: RunKey;
  readonly stepId: string;
  readonly attempt: number;
  readonly kind: 'operation' | 'evaluation' | 'workflow';
  readonly scheduledAt: number;
}

/** A place in the order of the runs that have not ended. */
export interface RunPlace {
  readonly workspace: string;
  readonly workflowId: string;
  readonly runKey: string;
}

export interface OpenRun extends RunPlace {
  readonly runKey: RunKey;
  /** Of the run that is linked to it. */
  readonly parentRunId: string | null;
}

export interface StoredEvent {
  readonly runKey: RunKey;
  readonly recorded: RecordedEvent;
}

/** A child that nobody waits for is looked for among so many of the newest events. */
const maxEventsLookedAt = 100_000;

export const firstPlace: RunPlace = { workspace: '', workflowId: '', runKey: '' };

export type InFlightStore = ReturnType<typeof createInFlightStore>;

export const createInFlightStore = (sql: Database) => {
  const runs = sql.prepare<[string, string, string, number], OpenRun>(
    `SELECT workspace, workflow_id AS workflowId, run_key AS runKey, parent_run_id AS parentRunId FROM workflow_runs
     WHERE ended_at IS NULL AND (workspace, workflow_id, run_key) > (?, ?, ?)
     ORDER BY workspace, workflow_id, run_key LIMIT ?`,
  );
  const steps = sql.prepare<[RunKey, number], InFlightRow>(
    `SELECT run_key AS runKey, step_id AS stepId, attempt, kind, coalesce(scheduled_at, 0) AS scheduledAt
     FROM open_steps
     WHERE run_key = ? AND status IN ('PENDING', 'RUNNING') AND kind IN ('operation', 'evaluation', 'workflow')
       AND coalesce(scheduled_at, 0) < ?`,
  );
  const approvals = sql.prepare<[], { runKey: RunKey; stepId: string }>(
    `SELECT run_key AS runKey, step_id AS stepId FROM workflow_approvals JOIN workflow_runs USING (run_key)
     WHERE workflow_approvals.status = 'PENDING' AND ended_at IS NULL`,
  );
  const detachedStarts = sql.prepare<[number], RunEventRow>(
    `SELECT * FROM workflow_run_events
     WHERE position > (SELECT coalesce(max(position), 0) FROM workflow_run_events) - ?
       AND type = 'state.entered' AND data LIKE '%"waits":false%'`,
  );
  const tasksStreamId = sql.prepare<[], string | null>('SELECT tasks_stream_id FROM relay').pluck();
  const setTasksStreamId = sql.prepare<[string]>('UPDATE relay SET tasks_stream_id = ?');
  return {
    /** The task stream that everything in flight was sent into; undefined where nobody knows. */
    tasksStreamId: (): string | undefined => tasksStreamId.get() ?? undefined,
    setTasksStreamId: (id: string): void => {
      setTasksStreamId.run(id);
    },
    pendingApprovals: (): { readonly runKey: RunKey; readonly stepId: string }[] => approvals.all(),
    /** States that have started a child and not waited for it, among the newest events. */
    detachedStarts: (): StoredEvent[] =>
      detachedStarts
        .all(maxEventsLookedAt)
        .map((row) => ({ runKey: row.run_key, recorded: fromRunEventRow(row) })),
    /** Runs that have not ended, behind a place. */
    runsAfter: (place: RunPlace, limit: number): OpenRun[] =>
      runs.all(place.workspace, place.workflowId, place.runKey, limit),
    /** What was sent out for a run before an instant and is not over. */
    stepsOf: (runKey: RunKey, scheduledBefore: number): InFlightRow[] => steps.all(runKey, scheduledBefore),
  };
};
