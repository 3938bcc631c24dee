/**
 * What is published on a stream while one listens, by its number, so that its reader need not ask for each message.
 *
 * 1. What is heard has no number. Whoever stores it says which number the message of which id has; until then it is only
 *    kept.
 * 2. What is heard is no proof of what is stored: the reader reads the last one of what it takes, and finds it there under
 *    this id or believes nothing of it.
 * 3. So much is kept at most; what is forgotten is read.
 */
import { headers } from '@signalbox/protocol';
import type { LiveMessage } from './live.js';

const maxKeptCount = 20_000;
const maxKeptBytes = 16 * 1_048_576;

export class LiveTail {
  readonly #byId = new Map<string, LiveMessage>();
  readonly #byNumber = new Map<number, LiveMessage>();
  #keptBytes = 0;

  hear(message: LiveMessage): void {
    const id = message.headers[headers.messageId];
    if (id === undefined || this.#byId.has(id)) return;
    this.#keptBytes += message.data.length;
    this.#byId.set(id, message);
    if (this.#byId.size + this.#byNumber.size > maxKeptCount || this.#keptBytes > maxKeptBytes) this.forget();
  }

  /** Somebody who knows says what is stored where. */
  number(
    stored: readonly (readonly [sequence: number, id: string])[],
    onNumbered?: (message: LiveMessage, sequence: number) => void,
  ): void {
    for (const [sequence, id] of stored) {
      const message = this.#byId.get(id);
      if (message === undefined) continue;
      this.#byId.delete(id);
      this.#byNumber.set(sequence, message);
      onNumbered?.(message, sequence);
    }
  }

  has(sequence: number): boolean {
    return this.#byNumber.has(sequence);
  }

  /** Those from this number on that follow one another without a gap. What lies before is forgotten. */
  take(fromSequence: number, maxCount: number): LiveMessage[] {
    const taken: LiveMessage[] = [];
    while (taken.length < maxCount) {
      const message = this.#byNumber.get(fromSequence + taken.length);
      if (message === undefined) break;
      taken.push(message);
    }
    for (const [sequence, { data }] of this.#byNumber) {
      if (sequence >= fromSequence + taken.length) continue;
      this.#byNumber.delete(sequence);
      this.#keptBytes -= data.length;
    }
    return taken;
  }

  forget(): void {
    this.#byId.clear();
    this.#byNumber.clear();
    this.#keptBytes = 0;
  }
}
