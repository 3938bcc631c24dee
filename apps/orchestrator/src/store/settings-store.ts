/** What this process knows of its installation, by name. */
import type { Database } from 'better-sqlite3';

export const readSetting = (sql: Database, name: string): string | undefined =>
  sql.prepare<[string], string>('SELECT value FROM settings WHERE name = ?').pluck().get(name);

export const writeSetting = (sql: Database, name: string, value: string): void => {
  sql
    .prepare(
      'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    )
    .run(name, value);
};
