/** The orchestrator's tables as they lie on the disk, read by the auditor alone. */
import type { tablesOf } from '@signalbox/testing';
import Database from 'better-sqlite3';

/** Made of the log, so that a rebuilt database must have the same. */
const ofTheLog = [
  'workflow_definitions',
  'agents',
  'teams',
  'catalog_events',
  'workflow_runs',
  'run_families',
  'workflow_run_events',
  'open_steps',
  'workflow_approvals',
  'timers',
] as const;

type Tables = ReturnType<typeof tablesOf>;

/** Of every run that was recorded. */
export const readRunIds = (file: string): readonly string[] => {
  const database = new Database(file, { readonly: true, fileMustExist: true });
  try {
    return database.prepare<[], string>('SELECT run_id FROM workflow_runs').pluck().all();
  } finally {
    database.close();
  }
};

export interface Family {
  /** With the root run. */
  readonly runCount: number;
  readonly openCount: number;
  /** Of the failures of its runs, each once. */
  readonly codes: readonly string[];
}

export const readFamily = (file: string, rootRunId: string): Family => {
  const database = new Database(file, { readonly: true, fileMustExist: true });
  const ofFamily = 'FROM workflow_runs WHERE (run_id = $root OR root_run_id = $root)';
  const count = (sql: string) =>
    database.prepare<unknown[], number>(sql).pluck().get({ root: rootRunId }) ?? 0;
  try {
    return {
      runCount: count(`SELECT count(*) ${ofFamily}`),
      openCount: count(`SELECT count(*) ${ofFamily} AND ended_at IS NULL`),
      codes: database
        .prepare<unknown[], string>(`SELECT DISTINCT error ->> 'code' ${ofFamily} AND error NOTNULL`)
        .pluck()
        .all({ root: rootRunId }),
    };
  } finally {
    database.close();
  }
};

/** One line for each table that differs. */
export const lostBetween = (before: Tables, after: Tables): readonly string[] =>
  ofTheLog.flatMap((table) => {
    const rows = before[table] ?? [];
    const there = after[table] ?? [];
    const known = new Set(there);
    const first = rows.find((row) => !known.has(row));
    if (first === undefined && there.length === rows.length) return [];
    return [`${table}: ${rows.length} rows before, ${there.length} now; lost: ${first?.slice(0, 200)}`];
  });

/** A sound copy of a database that is in use. */
export const copyLive = async (from: string, to: string): Promise<void> => {
  const database = new Database(from, { readonly: true, fileMustExist: true });
  try {
    await database.backup(to);
  } finally {
    database.close();
  }
};
