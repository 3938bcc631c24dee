/** Why the system refuses a path of the operator's, in one line that says what to do. */
import { CannotRun } from '@signalbox/service';

type Kind = 'file' | 'folder';

/** Characters of a path that a line shows; the system takes up to 4,096. Source: https://man7.org/linux/man-pages/man7/path_resolution.7.html */
const maxShown = 300;

const refusal = (code: string, path: string, kind: Kind, options: ErrorOptions): CannotRun | undefined => {
  switch (code) {
    case 'EISDIR':
      return new CannotRun(78, `${path} is a folder where a file has to be: move it away`, options);
    case 'EEXIST':
      return new CannotRun(
        78,
        `${path} is something else where a folder has to be: move it away, or name another`,
        options,
      );
    case 'ENOTDIR':
      return new CannotRun(
        78,
        `${path} lies under something that is no folder: move that away, or name another`,
        options,
      );
    case 'ENAMETOOLONG':
      return new CannotRun(
        78,
        `${path} is a longer name than the file system takes: name a shorter one`,
        options,
      );
    case 'ELOOP':
      return new CannotRun(78, `${path} is a link that leads back to itself: name another`, options);
    case 'ENOENT':
      return new CannotRun(
        78,
        `${path} cannot be made where it lies, and a link leads to nothing: name another, or mend what it lies in`,
        options,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new CannotRun(
        75,
        `${path} cannot be written, the disk is full: make room and start again`,
        options,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return kind === 'file'
        ? new CannotRun(
            78,
            `${path} cannot be opened for writing (${code}): see to the rights of the file and its folder`,
            options,
          )
        : new CannotRun(
            78,
            `${path} cannot be opened for writing (${code}): see to its rights and to those of the folders it lies in`,
            options,
          );
    default:
      return undefined;
  }
};

/** Does `job` with a path; what the system refuses becomes one line. @throws CannotRun, and what else `job` throws */
export const withPath = <T>(path: string, kind: Kind, job: () => T): T => {
  try {
    return job();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const shown = path.length > maxShown ? `${path.slice(0, maxShown)}…` : path;
    throw refusal(code, shown, kind, { cause }) ?? cause;
  }
};
