/** Asks the server again until it answers: a question whose answer is late says nothing about the stores. */
import { pause, TransientError } from '@signalbox/messaging';

const retryDelayMs = 250;

/** @throws whatever is not transient, and when the signal aborts. */
export const untilReached = async <T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> => {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      await pause(retryDelayMs, signal);
    }
  }
};
