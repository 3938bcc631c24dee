import { openSync, readSync } from 'node:fs';

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

/** Processor time of this thread, so far, as the kernel keeps it. */
const openThreadTime = (): (() => number) => {
  const wall = (): number => performance.now();
  try {
    const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    const buffer = Buffer.alloc(64);
    const read = (): number => {
      const length = readSync(file, buffer, 0, buffer.length, 0);
      return Number.parseInt(buffer.toString('latin1', 0, length), 10) / 1e6;
    };
    // A kernel that does not count says 0.
    return read() > 0 ? read : wall;
  } catch {
    // Not every system has it.
    return wall;
  }
};

/** The runtime's timers know nothing of the wall clock: how much is left is asked anew this often. */
const recheckMs = 1_000;

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  worked: openThreadTime(),
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
