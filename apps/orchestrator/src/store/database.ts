/**
 * Opens the orchestrator's database: the source of truth of every run.
 *
 * 1. One process at a time. The lock is an SQLite lock on a side file, so the operating system drops it when
 *    the process ends, by whatever signal. Others may still read the database itself.
 * 2. What is committed survives power loss: WAL with `synchronous = FULL` syncs at every commit, until `syncTogether` is
 *    called; from then on it does when that has said so.
 */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { limitLog, logBytesOfPage, protectDatabase, takeLock } from '@signalbox/data-folder';
import { CannotRun } from '@signalbox/service';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { CommitSync } from './commit-sync.js';
import { migrate } from './migrations.js';

export interface OpenDatabase {
  readonly sql: Database;
  /** To be called once: commits wait no more for the disk, and whoever tells others of them waits for it himself. */
  syncTogether(): Pick<CommitSync, 'durable' | 'durableNow'>;
  close(): void;
}

/** Pages of 4 KiB that the log may hold before a commit moves them over: some times as many as there are mostly. */
const checkpointPages = 8_000;
/** Of the transaction that goes beyond. */
const furtherPages = 100;

/** @throws CannotRun while another process holds the database. */
export const openDatabase = (path: string, now: number): OpenDatabase => {
  const lock = lockDatabase(path);
  const sql = openLocked(lock.file, now);
  let sync: CommitSync | undefined;
  return {
    sql,
    syncTogether: () => {
      const pages = limitLog(sql, checkpointPages) + furtherPages;
      sync = new CommitSync(sql, pages * logBytesOfPage);
      return sync;
    },
    close: () => {
      sync?.close();
      sql.close();
      lock.close();
    },
  };
};

/** The caller holds the lock and closes the database. */
export const openLocked = (file: string, now: number): Database => {
  const sql = new BetterSqlite(file);
  sql.pragma('journal_mode = WAL');
  sql.pragma('synchronous = FULL');
  sql.pragma('foreign_keys = ON');
  limitLog(sql, checkpointPages);
  sql.pragma('cache_size = -65536');
  migrate(sql, now);
  return sql;
};

export interface DatabaseLock {
  /** Of the database itself, whatever links led to it. It is there, and empty when it was not. */
  readonly file: string;
  close(): void;
}

/** @throws CannotRun while another process holds the database, or where it has a second name. */
export const lockDatabase = (path: string): DatabaseLock => {
  const file = protectDatabase(path);
  const { nlink } = statSync(file);
  // SQLite would keep a second log beside the second name.
  if (nlink > 1)
    throw new CannotRun(78, `the database ${file} has ${nlink} names (hard links): remove all but one`);
  const lock = takeLock(`${file}.lock`, `another orchestrator has the database ${file}`);
  return { file, close: () => lock.close() };
};

/** The key of the claims of this installation: 32 random bytes, made once. */
export const claimKey = (sql: Database): Buffer => {
  sql
    .prepare('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING')
    .run('claim-key', randomBytes(32));
  return sql.prepare('SELECT value FROM settings WHERE name = ?').pluck().get('claim-key') as Buffer;
};
