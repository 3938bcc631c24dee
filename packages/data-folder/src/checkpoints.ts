/**
 * Moves what SQLite's log (WAL) holds over to its database in a thread of its own. A commit that does so itself takes some
 * 50 ms, with everything that waits for its thread.
 *
 * 1. The thread has a connection of its own and looks several times a second. It waits for nobody, and nobody for it: what is
 *    committed meanwhile is for the next time.
 * 2. The log begins anew when all of it was moved; so the thread goes on while little is left.
 * 3. What it cannot do, a commit does as ever once the log is full (`limitLog`), and says why it fails.
 *
 * Needs SQLite 3.51.3 or newer: before that a log that began anew while another connection moved it over could be lost in part.
 * Source: https://www.sqlite.org/wal.html#ckpt, https://www.sqlite.org/wal.html#walresetbug
 */
import { Worker } from 'node:worker_threads';

export interface Checkpoints {
  /** Resolves when the thread has closed the file. */
  close(): Promise<void>;
}

/** `file` is a database in WAL mode that is open in this process, and stays open until `close` has resolved. */
export const startCheckpoints = (file: string): Checkpoints => {
  const worker = new Worker(new URL('./checkpoint-thread.js', import.meta.url), { workerData: file });
  // A process that has nothing else to do ends.
  worker.unref();
  let hasEnded = false;
  worker.on('error', () => undefined);
  worker.on('exit', () => {
    hasEnded = true;
  });
  return {
    close: async () => {
      if (hasEnded) return;
      const exited = new Promise((resolve) => worker.once('exit', resolve));
      worker.ref();
      worker.postMessage('close');
      await exited;
    },
  };
};
