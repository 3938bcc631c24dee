/**
 * A file that is mounted by itself (`mount --bind`, a volume of one file) is refused: SQLite keeps its log beside the
 * file, and so the lock is beside it, too. Whoever has the file in another folder would see neither.
 */
import { readFileSync } from 'node:fs';
import { CannotRun } from '@signalbox/service';

/** Linux says it; other systems have no mounts of files. Source: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html */
const mountsFile = '/proc/self/mountinfo';
const mountPointField = 4;

const readMounts = (): string => {
  try {
    return readFileSync(mountsFile, 'utf8');
  } catch {
    // Nobody says it here: then the rule is the documents' alone.
    return '';
  }
};

/** Blanks and the like are written as octal numbers. */
const unescaped = (field: string): string =>
  field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

export const isMountPoint = (file: string, mounts = readMounts()): boolean =>
  mounts.split('\n').some((line) => unescaped(line.split(' ')[mountPointField] ?? '') === file);

/** @throws CannotRun */
export const refuseMountOfItsOwn = (file: string): void => {
  if (isMountPoint(file))
    throw new CannotRun(
      78,
      `${file} is mounted by itself: mount its folder instead, what SQLite keeps beside the file belongs to it`,
    );
};
