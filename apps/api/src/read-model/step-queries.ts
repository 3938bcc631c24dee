/** Reads of the steps of a run: always a page of them, for there may be a hundred thousand. */
import type { StepStatus } from '@signalbox/engine';
import type { StepSummary } from '../resources/run.js';
import { toInstantText, toOptionalInstantText } from '../resources/shapes.js';
import { type ListPosition, type Page, toPage } from './page.js';
import type { ReadModelDatabase } from './schema.js';

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

const parsed = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T));

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

const beforeAll: ListPosition = { at: 0, id: '' };

export const createStepQueries = (db: ReadModelDatabase) => {
  const page = db.prepare<[string, number, string, number], StepRow>(
    `SELECT * FROM steps WHERE run_id = ? AND (began_sequence, step_id) > (?, ?)
     ORDER BY began_sequence, step_id LIMIT ?`,
  );
  const one = db.prepare<[string, string], StepRow>('SELECT * FROM steps WHERE run_id = ? AND step_id = ?');
  return {
    /** In the order in which they began. */
    listSteps: (runId: string, limit: number, after: ListPosition = beforeAll): Page<StepSummary> =>
      toPage(page.all(runId, after.at, after.id, limit + 1), limit, toStep, (row) => ({
        at: row.began_sequence,
        id: row.step_id,
      })),
    findStepRow: (runId: string, stepId: string) => {
      const row = one.get(runId, stepId);
      return row === undefined ? undefined : { step: toStep(row), beganSequence: row.began_sequence };
    },
  };
};
