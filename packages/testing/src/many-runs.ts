/** A large history, made in the orchestrator's database by repeating a run that has ended. Nobody may have it open. */
import Database from 'better-sqlite3';

/** Returns how many events the database has afterwards. What is added has never been published. */
export const repeatRun = (file: string, runId: string, count: number): number => {
  const database = new Database(file, { fileMustExist: true });
  try {
    const repeat = database.transaction(() => {
      for (let index = 0; index < count; index += 1) {
        const copy = `${runId}-${index}`;
        for (const table of ['workflow_runs', 'workflow_run_events']) {
          const names = database.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck();
          const columns = names
            .all(table)
            .filter((name) => name !== 'position' && name !== 'idempotency_key');
          const values = columns.map((name) =>
            name === 'run_key' || name === 'run_id' || name === 'data'
              ? `replace(${name}, $runId, $copy)`
              : name,
          );
          database
            .prepare(
              `INSERT INTO ${table} (${columns.join()}) SELECT ${values.join()} FROM ${table} WHERE run_key LIKE '%/' || $runId`,
            )
            .run({ copy, runId });
        }
      }
    });
    repeat();
    return database.prepare<[], number>('SELECT count(*) FROM workflow_run_events').pluck().get() ?? 0;
  } finally {
    database.close();
  }
};
