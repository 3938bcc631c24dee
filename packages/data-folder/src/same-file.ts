/**
 * Looks whether the file that this process has open is still the one under its name. A file that was removed goes on being
 * written to, for nobody: everything looks well until the process ends, and what it has written ends with it.
 */
import { type Stats, statSync } from 'node:fs';
import { CannotRun } from '@signalbox/service';

export interface SameFileWatch {
  close(): void;
}

const defaultEveryMs = 1_000;

/** Undefined where it is gone. What else keeps it from being looked at is told by who reads and writes it. */
const factsOf = (file: string): Stats | undefined | 'unknown' => {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return 'unknown';
  }
};

/** `file` is there. `fail` is called once, with CannotRun, when it is gone or another one stands in its place. */
export const watchSameFile = (
  file: string,
  fail: (cause: CannotRun) => void,
  everyMs = defaultEveryMs,
): SameFileWatch => {
  const opened = statSync(file);
  const timer = setInterval(() => {
    const now = factsOf(file);
    if (now === 'unknown' || (now?.ino === opened.ino && now.dev === opened.dev)) return;
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
