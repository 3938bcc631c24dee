import { openThreadTime } from '@signalbox/service';

/** Time comes in through this port, so that tests can own it. Milliseconds since the Unix epoch. */
export interface Clock {
  /** The wall clock; somebody may set it forward or back. */
  now(): number;
  /** Milliseconds since some instant; never set. */
  monotonic(): number;
  /** Milliseconds that this thread has had the processor, up to a tick late; as `monotonic` where the system does not say. */
  worked(): number;
  /** Calls back when the wall clock says `at`. */
  setTimer(at: number, callback: () => void): { cancel(): void };
}

/** The runtime's timers know nothing of the wall clock: how much is left is asked anew this often. */
const recheckMs = 1_000;

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  worked: openThreadTime(process.pid).read,
  setTimer: (at, callback) => {
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const delayMs = at - Date.now();
      handle = delayMs > recheckMs ? setTimeout(arm, recheckMs) : setTimeout(callback, Math.max(0, delayMs));
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};
