/**
 * Makes commits survive a loss of power: many with one wait, while others go on.
 *
 * 1. A commit is one `write` to SQLite's log (WAL). It survives the end of the process at once, and a loss of power as soon as
 *    the file has been synced. With `synchronous = FULL` SQLite does that itself at every commit, on the thread
 *    that commits; from here on it is done on another, and one sync counts for all commits before it.
 * 2. Until then nobody else may hear of what is committed: neither is it published, nor is what brought it acknowledged.
 * 3. The log is read back up to the last commit that is whole. So what a loss of power takes away is the end, and
 *    never something in the middle.
 * 4. SQLite still syncs the log itself before it moves pages over to the database, and when it begins it anew.
 * 5. The log has from the beginning the length that it grows to. A sync of a file that has grown waits for the journal of
 *    the file system too (twice as long, `node apps/orchestrator/bench/sync-cost.mjs`). SQLite reads its log up
 *    to the first frame that does not continue it, which zeros never do.
 *
 * Source: https://www.sqlite.org/wal.html#performance_considerations, https://www.sqlite.org/pragma.html#pragma_synchronous,
 * https://www.sqlite.org/fileformat2.html#wal_file_format
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';

/** What is committed may not survive a loss of power. What exactly is lost nobody knows: the process must end. */
export class SyncFailed extends Error {
  override readonly name = 'SyncFailed';
  /** As SQLite says it of its own syncs. */
  readonly code = 'SQLITE_IOERR_FSYNC';
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (cause: SyncFailed) => void;
}

export class CommitSync {
  readonly #log: number;
  #waiting: Waiting[] = [];
  #isSyncing = false;
  #isClosed = false;

  /** `sql` commits without waiting for the disk from now on. Its log has at least so many bytes, where the disk has them. */
  constructor(sql: Database, logBytes: number) {
    sql.pragma('synchronous = NORMAL');
    this.#log = openSync(`${sql.name}-wal`, 'r+');
    makeRoom(this.#log, logBytes);
    // The file has to be found again, too.
    const folder = openSync(dirname(sql.name), 'r');
    fsyncSync(folder);
    closeSync(folder);
  }

  /** Resolves, in the order of the calls, when everything that is committed by now survives a loss of power. @throws SyncFailed */
  durable(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return;
      this.#waiting.push({ resolve, reject });
      if (!this.#isSyncing) this.#sync();
    });
  }

  /** As `durable`, on this thread: sooner, and nothing else is done meanwhile. False where it has to wait. */
  durableNow(): boolean {
    if (this.#isSyncing || this.#isClosed) return false;
    try {
      fdatasyncSync(this.#log);
    } catch (cause) {
      throw new SyncFailed(cause instanceof Error ? cause.message : String(cause), { cause });
    }
    return true;
  }

  /** What still waits never resolves. */
  close(): void {
    this.#isClosed = true;
    if (!this.#isSyncing) closeSync(this.#log);
  }

  /** For all that wait now: whoever comes while it runs may have committed behind what it takes along. */
  #sync(): void {
    this.#isSyncing = true;
    const group = this.#waiting;
    this.#waiting = [];
    fdatasync(this.#log, (cause) => {
      this.#isSyncing = false;
      if (this.#isClosed) {
        closeSync(this.#log);
        return;
      }
      for (const { resolve, reject } of group)
        if (cause === null) resolve();
        else reject(new SyncFailed(cause.message, { cause }));
      if (this.#waiting.length > 0) this.#sync();
    });
  }
}

const zeros = Buffer.alloc(1_048_576);

const makeRoom = (file: number, wantedBytes: number): void => {
  const { size } = fstatSync(file);
  try {
    for (let at = size; at < wantedBytes; )
      at += writeSync(file, zeros, 0, Math.min(zeros.length, wantedBytes - at), at);
    fsyncSync(file);
  } catch {
    // A full disk: the log grows by its commits, each of which says what it lacks.
    ftruncateSync(file, size);
  }
};
