/**
 * One process at a time. The lock is an SQLite lock on a file of its own, so the operating system drops it when the
 * process ends, by whatever signal.
 */

import { CannotRun } from '@signalbox/service';
import BetterSqlite from 'better-sqlite3';
import { protectDatabase } from './rights.js';

export interface Lock {
  close(): void;
}

/** `what` is said of the other one: `another api uses the read model …`. @throws CannotRun (75) while somebody has it */
export const takeLock = (file: string, what: string): Lock => {
  protectDatabase(file);
  const lock = new BetterSqlite(file, { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock.close();
    if (cause instanceof BetterSqlite.SqliteError && cause.code === 'SQLITE_BUSY')
      throw new CannotRun(75, `${what}; end that one first`, { cause });
    throw cause;
  }
};
