/**
 * Who may read what is kept on disk: its owner, and nobody else.
 *
 * 1. What is made is made so, whatever the umask; what was there with wider rights is narrowed.
 * 2. A folder that holds anything but this platform's own files is not ours to close: that is refused, with what to do.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CannotRun } from '@signalbox/service';
import { refuseMountOfItsOwn } from './mount.js';
import { withPath } from './path-failure.js';

const folderMode = 0o700;
const fileMode = 0o600;
/** Rights of the group and of others. */
const foreignRights = 0o077;

/** What the platform itself keeps in a data folder. */
const own = /^(nats[a-z.-]*|[a-z-]+\.(sqlite|lock|creds)(-wal|-shm|-journal|\.lock(-journal)?)?)$/;

/**
 * Makes the folder, and those that it lies in where they are not there. One after the other: `mkdirSync` of Node 20 with
 * `recursive` never returns where a folder is there and takes none (`/proc`, a link to a disk that is not mounted).
 * @throws CannotRun
 */
const makeFolder = (folder: string): void => {
  const isThere = (): boolean => statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
  withPath(folder, 'folder', () => {
    if (isThere()) return;
    if (!existsSync(dirname(folder))) makeFolder(dirname(folder));
    try {
      mkdirSync(folder, { mode: folderMode });
    } catch (cause) {
      // Another process may have been first.
      if (!isThere()) throw cause;
    }
  });
};

/** Makes the folder, or narrows the rights to one that is there. @throws CannotRun */
export const openDataFolder = (folder: string): void => {
  makeFolder(folder);
  const { mode } = statSync(folder);
  if ((mode & foreignRights) === 0) return;
  const names = withPath(folder, 'folder', () => readdirSync(folder));
  const foreign = names.find((name) => !own.test(name));
  const rights = (mode & 0o777).toString(8);
  if (foreign !== undefined)
    throw new CannotRun(
      78,
      `the data folder ${folder} is open to others (mode ${rights}) and holds more than the platform's own files ` +
        `(${JSON.stringify(foreign)}): chmod 700 it, or name a folder of its own in SIGNALBOX_DATA_DIR`,
    );
  narrow(folder, folderMode);
};

/**
 * Makes an SQLite file, or narrows the rights to it and to what stands beside it. Its folder is made where there is none.
 * Returns its path without links, so that two names of one file are one.
 */
export const protectDatabase = (path: string): string => {
  makeFolder(dirname(path));
  withPath(path, 'file', () => {
    // Before it is opened, which waits at a pipe, and before a device is closed to others.
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile() && !found.isDirectory())
      throw new CannotRun(78, `${path} is a device or a pipe where a file has to be: name another`);
    closeSync(openSync(path, 'a', fileMode));
  });
  const file = realpathSync(path);
  refuseMountOfItsOwn(file);
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    const each = `${file}${suffix}`;
    if (existsSync(each) && (statSync(each).mode & foreignRights) !== 0) narrow(each, fileMode);
  }
  return file;
};

const narrow = (path: string, mode: number): void => {
  try {
    chmodSync(path, mode);
  } catch (cause) {
    throw new CannotRun(
      78,
      `${path} is open to others and its rights cannot be narrowed: chmod ${mode.toString(8)} it`,
      {
        cause,
      },
    );
  }
};
