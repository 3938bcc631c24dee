/** Time comes in through this port, so that tests can own it. Milliseconds since the Unix epoch. */
export interface Clock {
  now(): number;
  setTimer(at: number, callback: () => void): { cancel(): void };
}

/** The longest delay that the runtime's timers can hold. */
const maxDelayMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  setTimer: (at, callback) => {
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const delayMs = at - Date.now();
      handle =
        delayMs > maxDelayMs ? setTimeout(arm, maxDelayMs) : setTimeout(callback, Math.max(0, delayMs));
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};
