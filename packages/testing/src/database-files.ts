/** Files of a SQLite database that nobody has open: the database, its log and the index of that; and what it holds. */
import { existsSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import Database from 'better-sqlite3';

const suffixes = ['', '-wal', '-shm'];

export const dropDatabase = async (path: string): Promise<void> => {
  for (const suffix of suffixes) await rm(`${path}${suffix}`, { force: true });
};

/** In place of what is there. The index is made anew from the log. */
export const copyDatabase = async (from: string, to: string): Promise<void> => {
  await dropDatabase(to);
  for (const suffix of ['', '-wal'])
    await copyFile(`${from}${suffix}`, `${to}${suffix}`).catch((error: NodeJS.ErrnoException) => {
      // A database that was closed in order has no log.
      if (suffix === '' || error.code !== 'ENOENT') throw error;
    });
};

export const query = <T>(path: string, sql: string): T[] => {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    return database.prepare(sql).all() as T[];
  } finally {
    database.close();
  }
};

/** What no log can give back: keys, caches, the way of messages out, and counts of this process's own crashes. */
const unknownTables = ['settings', 'migrations', 'run_snapshots', 'outbox', 'relay', 'log_marks'];

/** Every other table, row by row as text, in an order of its own, none of a database that is not there; positions count commits, and a rebuild commits in the order of the log. */
export const tablesOf = (path: string): Record<string, readonly string[]> => {
  if (!existsSync(path)) return {};
  const names = query<{ name: string }>(
    path,
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
  );
  return Object.fromEntries(
    names
      .filter(({ name }) => !unknownTables.includes(name))
      .map(({ name }) => {
        const rows = query<Record<string, unknown>>(path, `SELECT * FROM ${name}`).map((row) =>
          JSON.stringify({ ...row, position: 0 }),
        );
        return [name, rows.sort()];
      }),
  );
};
