/** What the database says somebody else has to answer: attempts of steps, and child runs that are waited for. */
import type { Database } from 'better-sqlite3';

export interface InFlightRow {
  readonly runId: string;
  readonly stepId: string;
  readonly attempt: number;
  readonly kind: 'operation' | 'workflow';
  readonly scheduledAt: number;
}

/** A place in the order of the runs that have not ended. */
export interface RunPlace {
  readonly workspace: string;
  readonly workflowId: string;
  readonly runId: string;
}

export const firstPlace: RunPlace = { workspace: '', workflowId: '', runId: '' };

export type InFlightStore = ReturnType<typeof createInFlightStore>;

export const createInFlightStore = (sql: Database) => {
  const runs = sql.prepare<[string, string, string, number], RunPlace>(
    `SELECT workspace, workflow_id AS workflowId, run_id AS runId FROM workflow_runs
     WHERE ended_at IS NULL AND (workspace, workflow_id, run_id) > (?, ?, ?)
     ORDER BY workspace, workflow_id, run_id LIMIT ?`,
  );
  const steps = sql.prepare<[string, number], InFlightRow>(
    `SELECT run_id AS runId, step_id AS stepId, attempt, kind, coalesce(scheduled_at, 0) AS scheduledAt
     FROM workflow_run_steps
     WHERE run_id = ? AND status IN ('PENDING', 'RUNNING') AND kind IN ('operation', 'workflow')
       AND coalesce(scheduled_at, 0) < ?`,
  );
  return {
    /** Runs that have not ended, behind a place. */
    runsAfter: (place: RunPlace, limit: number): RunPlace[] =>
      runs.all(place.workspace, place.workflowId, place.runId, limit),
    /** What was sent out for a run before an instant and is not over. */
    stepsOf: (runId: string, scheduledBefore: number): InFlightRow[] => steps.all(runId, scheduledBefore),
  };
};
