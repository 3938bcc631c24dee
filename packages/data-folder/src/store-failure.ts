/** What SQLite says when it is the disk or the file that fails, and not what was asked of it. */
import { CannotRun } from '@signalbox/service';

export interface StoreFacts {
  readonly file: string;
  /** What an operator does about a file that is damaged. */
  readonly whenDamaged: string;
}

type Family = 'full' | 'damaged' | 'refused' | 'unreachable' | 'busy';

/** By the primary code; an extended one has it for its beginning. Source: https://www.sqlite.org/rescode.html */
const families: Readonly<Record<string, Family>> = {
  SQLITE_FULL: 'full',
  SQLITE_CORRUPT: 'damaged',
  SQLITE_NOTADB: 'damaged',
  SQLITE_READONLY: 'refused',
  SQLITE_PERM: 'refused',
  SQLITE_CANTOPEN: 'refused',
  SQLITE_IOERR: 'unreachable',
  SQLITE_NOLFS: 'unreachable',
  SQLITE_PROTOCOL: 'busy',
  SQLITE_BUSY: 'busy',
  SQLITE_LOCKED: 'busy',
};

const familyOf = (error: unknown): { readonly family: Family; readonly code: string } | undefined => {
  for (let each = error, depth = 0; each instanceof Error && depth < 10; each = each.cause, depth += 1) {
    const code = 'code' in each && typeof each.code === 'string' ? each.code : '';
    const primary = /^SQLITE_[A-Z]+/.exec(code)?.[0] ?? '';
    const family = families[primary];
    if (family !== undefined) return { family, code };
  }
  return undefined;
};

/** Nothing that was asked is at fault: the same may succeed on a store that is whole. */
export const isStoreFailure = (error: unknown): boolean => familyOf(error) !== undefined;

/** The end of the process in one line that says what to do; undefined where something else has failed. */
export const storeFailureOf = (error: unknown, { file, whenDamaged }: StoreFacts): CannotRun | undefined => {
  const found = familyOf(error);
  if (found === undefined) return undefined;
  const { family, code } = found;
  switch (family) {
    case 'full':
      return new CannotRun(
        75,
        `${file} cannot be written, the disk is full (${code}): make room and start again`,
      );
    case 'damaged':
      return new CannotRun(78, `${file} is damaged (${code}): ${whenDamaged}`);
    case 'refused':
      return new CannotRun(
        78,
        `${file} cannot be opened for writing (${code}): see to the rights of the file and its folder`,
      );
    case 'unreachable':
      return new CannotRun(
        75,
        `${file} cannot be read or written (${code}): see to the disk and start again`,
      );
    case 'busy':
      return new CannotRun(75, `${file} is held by another process (${code}): end that one first`);
  }
};
