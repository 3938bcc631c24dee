/** Reads of runs. */
import type { RunStatus } from '@signalbox/engine';
import type BetterSqlite3 from 'better-sqlite3';
import type { QuarantineResource, RunResource, RunSummary, StepSummary } from '../resources/run.js';
import { toInstantText, toOptionalInstantText } from '../resources/shapes.js';
import { createApprovalQueries } from './approval-queries.js';
import { createEventQueries } from './event-queries.js';
import { type ListPosition, type Page, start, toPage } from './page.js';
import type { ReadModelDatabase } from './schema.js';
import { createStepQueries } from './step-queries.js';

export interface RunFilter {
  readonly workflow?: string | undefined;
  readonly status?: RunStatus | undefined;
  /** The root run of child runs. */
  readonly root?: string | undefined;
}

interface SummaryRow {
  run_id: string;
  workflow_id: string;
  workflow_version: number;
  workflow_digest: string;
  status: RunStatus;
  error: string | null;
  started_by: string;
  started_at: number;
  updated_at: number;
  ended_at: number | null;
  quarantine_reason: string | null;
  quarantined_since: number | null;
}

/** All but input and output, which may be large. */
const summaryColumns =
  'runs.run_id, workflow_id, workflow_version, workflow_digest, status, error, started_by, started_at, ended_at';
/** Of the newest event. The row itself is written when the status changes. */
const ofNewestEvent = (column: 'at' | 'sequence', without: string): string =>
  `coalesce((SELECT ${column} FROM events AS e WHERE e.run_id = runs.run_id ORDER BY sequence DESC LIMIT 1), ${without})`;
const updatedAt = `${ofNewestEvent('at', 'started_at')} AS updated_at`;
const lastSequence = `${ofNewestEvent('sequence', '0')} AS last_sequence`;
/** A run that is quarantined before it began has no row of its own: it is in the list of quarantines only. */
const quarantineColumns = `(SELECT reason FROM quarantines q WHERE q.run_id = runs.run_id) AS quarantine_reason,
  (SELECT since FROM quarantines q WHERE q.run_id = runs.run_id) AS quarantined_since`;

interface RunRow extends SummaryRow {
  input: string;
  output: string | null;
  parent_run_id: string | null;
  parent_step_id: string | null;
  root_run_id: string | null;
  root_depth: number | null;
  last_sequence: number;
}

interface QuarantineRow {
  run_id: string;
  reason: string;
  since: number;
}

const toQuarantine = (row: QuarantineRow): QuarantineResource => ({
  runId: row.run_id,
  reason: row.reason,
  since: toInstantText(row.since),
});

/** Why a run never began. */
export interface RefusedStart {
  readonly code: string;
  readonly message: string;
}

/** How far a run is. */
export interface RunHead {
  /** Of its newest event. */
  readonly sequence: number;
  readonly hasEnded: boolean;
}

/** Steps that come with a run where nobody says how many. */
export const defaultStepCount = 200;

const parsed = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T));

const toRunSummary = (row: SummaryRow): RunSummary => ({
  runId: row.run_id,
  workflow: { id: row.workflow_id, version: row.workflow_version, digest: row.workflow_digest },
  status: row.status,
  startedBy: row.started_by,
  startedAt: toInstantText(row.started_at),
  updatedAt: toInstantText(row.updated_at),
  endedAt: toOptionalInstantText(row.ended_at),
  error: parsed(row.error),
  quarantine:
    row.quarantine_reason === null || row.quarantined_since === null
      ? null
      : { reason: row.quarantine_reason, since: toInstantText(row.quarantined_since) },
});

/** `nextStep` is absent where all steps are there. */
export type RunWithSteps = Omit<RunResource, 'nextCursor'> & { readonly nextStep?: ListPosition };

export type RunQueries = ReturnType<typeof createRunQueries>;

export const createRunQueries = (db: ReadModelDatabase) => {
  const run = db.prepare<[string], RunRow>(
    `SELECT *, ${updatedAt}, ${lastSequence}, ${quarantineColumns} FROM runs WHERE run_id = ?`,
  );
  const head = db.prepare<[string], { last_sequence: number; ended_at: number | null }>(
    `SELECT ${lastSequence}, ended_at FROM runs WHERE run_id = ?`,
  );
  const refusedStart = db.prepare<[string], RefusedStart>(
    'SELECT code, message FROM refused_starts WHERE run_id = ?',
  );
  const quarantines = db.prepare<[number, string, number], QuarantineRow>(
    'SELECT * FROM quarantines WHERE (since, run_id) < (?, ?) ORDER BY since DESC, run_id DESC LIMIT ?',
  );
  const { listSteps, findStepRow } = createStepQueries(db);
  const { eventAt, ...events } = createEventQueries(db);
  return {
    listRuns: createRunList(db),
    /** With its first steps, at most `stepLimit`. */
    findRun: (runId: string, stepLimit = defaultStepCount): RunWithSteps | undefined => {
      const row = run.get(runId);
      if (row === undefined) return undefined;
      const { items, next } = listSteps(runId, stepLimit);
      return {
        ...toRunSummary(row),
        input: JSON.parse(row.input) as unknown,
        ...(row.output === null ? {} : { output: JSON.parse(row.output) as unknown }),
        sequence: row.last_sequence,
        parent:
          row.parent_run_id === null || row.parent_step_id === null
            ? null
            : { runId: row.parent_run_id, stepId: row.parent_step_id },
        root:
          row.root_run_id === null || row.root_depth === null
            ? null
            : { runId: row.root_run_id, depth: row.root_depth },
        steps: items,
        ...(next === undefined ? {} : { nextStep: next }),
      };
    },
    findRunHead: (runId: string): RunHead | undefined => {
      const row = head.get(runId);
      return row === undefined ? undefined : { sequence: row.last_sequence, hasEnded: row.ended_at !== null };
    },
    /** Of a run that is not there. */
    findRefusedStart: (runId: string): RefusedStart | undefined => refusedStart.get(runId),
    listSteps,
    /** Latest first. */
    listQuarantines: (limit: number, after: ListPosition = start): Page<QuarantineResource> =>
      toPage(quarantines.all(after.at, after.id, limit + 1), limit, toQuarantine, (row) => ({
        at: row.since,
        id: row.run_id,
      })),
    /** With the input that the step began with. */
    findStep: (runId: string, stepId: string): { step: StepSummary; input?: unknown } | undefined => {
      const row = findStepRow(runId, stepId);
      if (row === undefined) return undefined;
      const input = eventAt(runId, row.beganSequence)?.data.input;
      return { step: row.step, ...(input === undefined ? {} : { input }) };
    },
    ...events,
    ...createApprovalQueries(db),
  };
};

const createRunList = (db: ReadModelDatabase) => {
  const columns = { workflow: 'workflow_id', status: 'status', root: 'root_run_id' } as const;
  const statements = new Map<string, BetterSqlite3.Statement<unknown[], SummaryRow>>();
  const statementOf = (conditions: string): BetterSqlite3.Statement<unknown[], SummaryRow> => {
    const known = statements.get(conditions);
    if (known !== undefined) return known;
    const made = db.prepare<unknown[], SummaryRow>(
      `SELECT ${summaryColumns}, ${updatedAt}, ${quarantineColumns} FROM runs
       WHERE ${conditions}(started_at, run_id) < (?, ?) ORDER BY started_at DESC, run_id DESC LIMIT ?`,
    );
    statements.set(conditions, made);
    return made;
  };
  /** Newest first. */
  return (filter: RunFilter, limit: number, after: ListPosition = start): Page<RunSummary> => {
    const names = (['workflow', 'status', 'root'] as const).filter((name) => filter[name] !== undefined);
    const conditions = names.map((name) => `${columns[name]} = ? AND `).join('');
    const values = names.map((name) => filter[name]);
    const rows = statementOf(conditions).all(...values, after.at, after.id, limit + 1);
    return toPage(rows, limit, toRunSummary, (row) => ({ at: row.started_at, id: row.run_id }));
  };
};
