/**
 * Opens the orchestrator's database: the source of truth of every run.
 *
 * 1. One process at a time. The lock is an SQLite lock on a side file, so the operating system drops it when
 *    the process ends, by whatever signal. Others may still read the database itself.
 * 2. What is committed survives power loss: WAL with `synchronous = FULL` syncs at every commit.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { TransientError } from '@signalbox/messaging';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { migrate } from './migrations.js';

export interface OpenDatabase {
  readonly sql: Database;
  close(): void;
}

/** Pages of 4 KiB that the log may hold before a commit moves them over: fewer moves, each under 20 ms. */
const checkpointPages = 4_000;

/** @throws TransientError while another process holds the database. */
export const openDatabase = (file: string, now: number): OpenDatabase => {
  mkdirSync(dirname(file), { recursive: true });
  const lock = takeLock(file);
  const sql = new BetterSqlite(file);
  sql.pragma('journal_mode = WAL');
  sql.pragma('synchronous = FULL');
  sql.pragma('foreign_keys = ON');
  sql.pragma(`wal_autocheckpoint = ${checkpointPages}`);
  sql.pragma('cache_size = -65536');
  migrate(sql, now);
  return {
    sql,
    close: () => {
      sql.close();
      lock.close();
    },
  };
};

const takeLock = (file: string): Database => {
  const lock = new BetterSqlite(`${file}.lock`, { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock.close();
    if (cause instanceof BetterSqlite.SqliteError && cause.code === 'SQLITE_BUSY') {
      throw new TransientError(`the database ${file} is in use by another orchestrator process`, { cause });
    }
    throw cause;
  }
};

/** The key of the claims of this installation: 32 random bytes, made once. */
export const claimKey = (sql: Database): Buffer => {
  sql
    .prepare('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING')
    .run('claim-key', randomBytes(32));
  return sql.prepare('SELECT value FROM settings WHERE name = ?').pluck().get('claim-key') as Buffer;
};
