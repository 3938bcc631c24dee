/**
 * The runs for whoever looks after what is in flight: no message is at hand that could be counted, and set aside.
 * One that cannot be read is counted as one that cannot be handled (`write-path.ts`), and left alone after the third time.
 */
import { isStoreFailure } from '@signalbox/data-folder';
import type { RunKey } from '@signalbox/protocol';
import type { Runs } from './runs.js';
import type { CrashStore } from './store/crash-store.js';
import { RunCrash } from './write-path.js';

export interface LookedAtRunsParts {
  readonly runs: Runs;
  readonly crashes: Pick<CrashStore, 'record'>;
  readonly isQuarantined: (runKey: RunKey) => boolean;
}

/** A run that is left alone is there, and not found. `find` throws RunCrash, after which this process must not go on. */
export const lookedAtRuns = ({
  runs,
  crashes,
  isQuarantined,
}: LookedAtRunsParts): Pick<Runs, 'find' | 'has'> => ({
  has: (runKey) => runs.has(runKey),
  find: (runKey) => {
    if (isQuarantined(runKey)) return undefined;
    try {
      return runs.find(runKey);
    } catch (cause) {
      if (isStoreFailure(cause)) throw cause;
      const crash = new RunCrash(runKey, cause);
      crashes.record({ runKey, reason: crash.message });
      throw crash;
    }
  },
});
