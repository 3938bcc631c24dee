/** The allowed form of waiting in a test: for a condition, never for a time. */
import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Default 20 s. */
  timeoutMs?: number;
  /** Default 10 ms. */
  intervalMs?: number;
  /** What was waited for, and better: what there was instead. */
  describe?: string | (() => string);
}

type Found<T> = Exclude<T, false | null | undefined>;

/** Polls until `condition` gives something other than false, null or undefined, and returns that. */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Found<T>> {
  const timeoutMs = options.timeoutMs ?? 20_000;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await condition();
    if (found !== false && found !== null && found !== undefined) return found as Found<T>;
    if (Date.now() > deadline) {
      const { describe = condition.toString() } = options;
      throw new Error(`not within ${timeoutMs} ms: ${typeof describe === 'string' ? describe : describe()}`);
    }
    await delay(options.intervalMs ?? 10);
  }
}
