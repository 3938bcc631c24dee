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

const folderMode = 0o700;
const fileMode = 0o600;
/** Rights of the group and of others. */
const foreignRights = 0o077;

/** What the platform itself keeps in a data folder. */
const own = /^(nats[a-z.-]*|[a-z-]+\.(sqlite|lock|creds)(-wal|-shm|-journal|\.lock(-journal)?)?)$/;

/** Makes the folder, or narrows the rights to one that is there. @throws CannotRun */
export const openDataFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true, mode: folderMode });
  const { mode } = statSync(folder);
  if ((mode & foreignRights) === 0) return;
  const foreign = readdirSync(folder).find((name) => !own.test(name));
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
  mkdirSync(dirname(path), { recursive: true, mode: folderMode });
  touch(path);
  const file = realpathSync(path);
  refuseMountOfItsOwn(file);
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    const each = `${file}${suffix}`;
    if (existsSync(each) && (statSync(each).mode & foreignRights) !== 0) narrow(each, fileMode);
  }
  return file;
};

const touch = (path: string): void => {
  try {
    closeSync(openSync(path, 'a', fileMode));
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EISDIR')
      throw new CannotRun(78, `${path} is a folder where a file has to be: move it away`, { cause });
    if (code === 'ENOSPC')
      throw new CannotRun(75, `${path} cannot be written, the disk is full: make room and start again`, {
        cause,
      });
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      throw new CannotRun(
        78,
        `${path} cannot be opened for writing (${code}): see to the rights of the file and its folder`,
        { cause },
      );
    throw cause;
  }
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
