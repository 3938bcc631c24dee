/**
 * Looks whether the file that this process has open is still the one under its name. A file that was removed goes on being
 * written to, for nobody: everything looks well until the process ends, and what it has written ends with it.
 */
import { statSync } from 'node:fs';
import { CannotRun } from '@signalbox/service';

export interface SameFileWatch {
  close(): void;
}

const defaultEveryMs = 1_000;

/** `file` is there. `fail` is called once, with CannotRun, when it is gone or another one stands in its place. */
export const watchSameFile = (
  file: string,
  fail: (cause: CannotRun) => void,
  everyMs = defaultEveryMs,
): SameFileWatch => {
  const opened = statSync(file);
  const timer = setInterval(() => {
    const now = statSync(file, { throwIfNoEntry: false });
    if (now?.ino === opened.ino && now.dev === opened.dev) return;
    clearInterval(timer);
    fail(
      new CannotRun(
        75,
        `${file} is not the file any more that this process has open, it was removed or replaced: start again with the one that is to be used (docs/operations/disk-lost.md)`,
      ),
    );
  }, everyMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
};
