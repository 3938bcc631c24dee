/** Files of a SQLite database that nobody has open: the database, its log and the index of that. */
import { copyFile, rm } from 'node:fs/promises';

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
