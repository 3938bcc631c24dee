/** When what is in flight is compared with the task queue: at once, when a server may have lost it, and now and then. */
import { TransientError } from '@signalbox/messaging';
import type { Clock } from './clock.js';
import type { InFlight } from './in-flight.js';

const settlingMs = 2_000;
/** A server that has lost messages gives their numbers to others for a while, which their consumers have passed. */
const settlingCount = 5;
const everyMs = 30_000;

export interface FollowedInFlight {
  /** The connection is another one, or the server: looks soon, several times. */
  wake(): void;
  close(): void;
}

export interface FollowInFlightParts {
  readonly inFlight: InFlight;
  /** Resolves when everything that has been stored so far is taken in. */
  readonly takeIn: () => Promise<void>;
  readonly clock: Clock;
  readonly fail: (cause: unknown) => void;
}

/** Looks at once and soon after, again so after every `wake`, and then every 30 s. */
export const followInFlight = (parts: FollowInFlightParts): FollowedInFlight => {
  const { inFlight, takeIn, clock, fail } = parts;
  let timer: { cancel(): void } | undefined;
  let isClosed = false;
  let soonCount = settlingCount;
  let hasLooked = false;
  const look = async (): Promise<void> => {
    soonCount -= 1;
    try {
      await takeIn();
      if (isClosed) return;
      await inFlight.look();
      hasLooked = true;
      if (inFlight.isDoubtful) soonCount = Math.max(soonCount, 1);
    } catch (cause) {
      if (!(cause instanceof TransientError)) throw cause;
      soonCount += 1;
    }
    plan();
  };
  const plan = (delayMs = soonCount > 0 ? settlingMs : everyMs): void => {
    if (isClosed) return;
    timer?.cancel();
    timer = clock.setTimer(clock.now() + delayMs, () => {
      timer = undefined;
      look().catch((cause) => {
        if (!isClosed) fail(cause);
      });
    });
  };
  plan(0);
  return {
    wake: () => {
      if (!hasLooked) return;
      soonCount = settlingCount;
      inFlight.forget();
      // Otherwise a look is under way, and plans the next itself.
      if (timer !== undefined) plan();
    },
    close: () => {
      isClosed = true;
      timer?.cancel();
    },
  };
};
