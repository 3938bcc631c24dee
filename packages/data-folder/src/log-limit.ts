/**
 * How much room SQLite's log (WAL) takes beside its database. A large log is moved over seldom, which is quicker; but it
 * never gives back what it has taken while its database is open, so on a small disk it is bound by the room that there is.
 *
 * Source: https://www.sqlite.org/wal.html#avoiding_excessively_large_wal_files
 */
import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';

/** A page and the head before it. */
export const logBytesOfPage = 4_096 + 24;
/** SQLite's own. */
const leastPages = 1_000;
/** Of the room, for the log. */
const share = 1 / 4;

/** What is free, and what the log has already. Bytes. */
const roomFor = (log: string): number => {
  const { bavail, bsize } = statfsSync(dirname(log));
  return bavail * bsize + logSize(log);
};

const logSize = (log: string): number => statSync(log, { throwIfNoEntry: false })?.size ?? 0;

/**
 * The log holds up to `wantedPages` before a commit moves them over, and less where the disk has not four times as much
 * room; one that is larger already is moved over now and cut. Returns the pages. `roomBytes`: instead of what the disk says.
 */
export const limitLog = (sql: Database, wantedPages: number, roomBytes?: number): number => {
  const log = `${sql.name}-wal`;
  const room = roomBytes ?? (sql.memory ? Number.POSITIVE_INFINITY : roomFor(log));
  const pages = Math.max(leastPages, Math.min(wantedPages, Math.floor((room * share) / logBytesOfPage)));
  sql.pragma(`wal_autocheckpoint = ${pages}`);
  if (logSize(log) > 2 * pages * logBytesOfPage) sql.pragma('wal_checkpoint(TRUNCATE)');
  return pages;
};
