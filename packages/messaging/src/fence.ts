/**
 * Owns the question whether this process may still go on, for the one process that publishes into a stream.
 *
 * A process that stood still longer than the server waits comes back with messages that were never acknowledged, and
 * would send them again at once, beside whoever has taken over. After each reconnect nothing is sent before the stream
 * has told who holds it.
 */
import { type Connection, linkOf } from './connection.js';
import { apiCodes, hasApiCode, isPassing } from './errors.js';
import { pause } from './pause.js';

interface FenceOptions {
  readonly stream: string;
  /** What the stream says about itself; a stream that is gone is nobody else's. */
  readonly isOurs: (description: string | undefined) => boolean;
  /** Called once; the connection stays unused. */
  readonly onLost: () => void;
}

const retryDelayMs = 100;

export function fence(connection: Connection, { stream, isOurs, onLost }: FenceOptions): void {
  const link = linkOf(connection);
  const ask = async (): Promise<boolean> => {
    try {
      return isOurs((await link.manager.streams.info(stream)).config.description);
    } catch (error) {
      if (hasApiCode(error, apiCodes.streamNotFound)) return true;
      throw error;
    }
  };
  link.admit = async (isCurrent) => {
    while (isCurrent()) {
      try {
        const isAdmitted = await ask();
        if (!isAdmitted) onLost();
        return isAdmitted;
      } catch (error) {
        if (!isPassing(error)) throw error;
        await pause(retryDelayMs);
      }
    }
    return false;
  };
}
