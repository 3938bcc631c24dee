/**
 * Looks for messages of the log that the server cannot give back. A damaged file of its store shows nowhere else: readers
 * that have passed the place do not come by it again, and the end of the log is as it was.
 *
 * A stretch at each look, from the beginning of the stream to its end, and then whatever comes.
 */
import { type Connection, getMessage, readForward, type StreamFacts } from '@signalbox/messaging';
import { EVENTS } from '@signalbox/protocol';

const maxPerLook = 500;

export class HoleScan {
  #next = 1;

  /** The server is another one, or may be. */
  restart(): void {
    this.#next = 1;
  }

  /** What lies up to there has been made good. */
  passTo(sequence: number): void {
    this.#next = Math.max(this.#next, sequence + 1);
  }

  hasReached(sequence: number): boolean {
    return this.#next > sequence;
  }

  /** The first number that cannot be read, and is not gone by the limits of the stream. @throws TransientError */
  async look(
    connection: Connection,
    { firstSequence, lastSequence }: StreamFacts,
  ): Promise<number | undefined> {
    const from = Math.max(this.#next, firstSequence);
    const count = Math.min(maxPerLook, lastSequence - from + 1);
    if (count <= 0) return undefined;
    const found = new Set(
      (await readForward(connection, EVENTS, '>', from, count)).map(({ sequence }) => sequence),
    );
    for (let sequence = from; sequence < from + count; sequence += 1) {
      // Any copy may have answered: one that lags behind has no hole.
      const isThere = found.has(sequence) || (await getMessage(connection, EVENTS, sequence)) !== undefined;
      if (!isThere) return sequence;
      this.#next = sequence + 1;
    }
    return undefined;
  }
}
