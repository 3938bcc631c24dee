/** The thread of `checkpoints.ts`. Whatever fails ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import BetterSqlite from 'better-sqlite3';

const everyMs = 250;
/** While commits go on, there is mostly something left. */
const maxTries = 8;

interface Moved {
  /** Pages in the log, and of these those that are in the database; -1 where there is no log. */
  readonly log: number;
  readonly checkpointed: number;
}

const port = parentPort;
if (port === null) throw new Error('this is the entry of a thread');
const sql = new BetterSqlite(String(workerData), { fileMustExist: true, timeout: 0 });

const moveAll = (): void => {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const [moved] = sql.pragma('wal_checkpoint(PASSIVE)') as Moved[];
    if (moved === undefined || moved.checkpointed === moved.log) return;
  }
};

const timer = setInterval(moveAll, everyMs);
port.once('message', () => {
  clearInterval(timer);
  sql.close();
  port.close();
});
