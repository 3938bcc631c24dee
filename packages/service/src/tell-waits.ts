/** A start that takes long says for what it waits: silent, nobody could tell waiting from standing still. */
import type { Logger } from '@signalbox/telemetry';

const firstMs = 3_000;
const everyMs = 10_000;

/** Waits for the work. Where `what` is a function, it is asked each time something is said. */
export type WaitFor = <T>(what: string | (() => string), work: Promise<T>) => Promise<T>;

export const tellWaits =
  (logger: Logger): WaitFor =>
  async (what, work) => {
    const begunAt = performance.now();
    const tell = (): void => {
      const seconds = Math.round((performance.now() - begunAt) / 1_000);
      logger.info(`still waiting for ${typeof what === 'string' ? what : what()} (${seconds} s)`);
      timer = setTimeout(tell, everyMs);
    };
    let timer = setTimeout(tell, firstMs);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  };
