/** The orchestrator's tables as they lie on the disk, read by the auditor alone. */
import { existsSync } from 'node:fs';
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
  'workflow_run_steps',
  'workflow_approvals',
  'timers',
] as const;

export type Tables = ReadonlyMap<string, readonly string[]>;

/** Each row as text, in an order that does not hang on where it lies. */
export const tablesOf = (file: string): Tables => {
  const tables = new Map<string, readonly string[]>();
  if (!existsSync(file)) return tables;
  const database = new Database(file, { readonly: true, fileMustExist: true });
  try {
    for (const table of ofTheLog) {
      const rows = database.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[];
      // The order in which the histories of several runs were written is nobody's promise.
      tables.set(table, rows.map(({ position: _, ...row }) => JSON.stringify(row)).sort());
    }
  } finally {
    database.close();
  }
  return tables;
};

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
  [...before].flatMap(([table, rows]) => {
    const there = after.get(table) ?? [];
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
