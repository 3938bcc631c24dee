/** Publishing what must not be lost: a result may be the only trace of work that cannot be done twice. */
import { TransientError } from './errors.js';
import type { OutgoingMessage } from './outgoing.js';
import { pause } from './pause.js';
import type { Publisher } from './publisher.js';

const firstPauseMs = 500;
const maxPauseMs = 10_000;

/**
 * Tries again and again until the stream has stored the message. While the server is away the work is kept
 * rather than done anew.
 * @throws TransientError of the last try once `signal` is aborted; ContractError for a message that no try can store.
 */
export const publishUntilStored = async (
  publisher: Publisher,
  message: OutgoingMessage,
  signal: AbortSignal,
): Promise<void> => {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      await publisher.publish(message);
      return;
    } catch (error) {
      if (!(error instanceof TransientError) || signal.aborted) throw error;
      await pause(pauseMs, signal);
    }
  }
};
