/** Where the reading of a stream stands, and whether the stream still holds what was read up to there. */
import { type Connection, linkOf } from './connection.js';
import { getMessage, readStreamFacts, type StoredMessage } from './stream-access.js';

/** Looked at again after so long, also when nothing has happened to the connection. */
const maxTrustMs = 2_000;

/** A message in its place. Another one that is given the same number is stored at another time. */
export type Place = Pick<StoredMessage, 'sequence' | 'storedAt' | 'subject'>;

export class ReadPlace {
  readonly #connection: Connection;
  readonly #stream: string;
  #place: Place | undefined;
  /** Of the last look: what came later may have been lost together with what came later still. */
  #before: Place | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isDoubted = true;
  #isGone = false;
  readonly #endWatching: () => void;

  constructor(connection: Connection, stream: string, place: Place | undefined) {
    this.#connection = connection;
    this.#stream = stream;
    this.#place = place;
    this.#before = place;
    this.#endWatching = linkOf(connection).watch({
      onDisturbed: () => {
        this.#isDoubted = true;
      },
    });
  }

  close(): void {
    this.#endWatching();
  }

  moveTo({ sequence, storedAt, subject }: Place): void {
    this.#place = { sequence, storedAt, subject };
  }

  /**
   * False where the stream ends before `sequence`, up to which it was read, or has another message in the place of the
   * one that was handled last, or nothing that can be read. What its limits have dropped says nothing.
   * @throws TransientError
   */
  async isKept(sequence: number): Promise<boolean> {
    while (!this.#isGone && (this.#isDoubted || performance.now() - this.#lookedAt > maxTrustMs)) {
      this.#isDoubted = false;
      try {
        this.#isGone = !(await this.#look(sequence));
      } catch (error) {
        this.#isDoubted = true;
        throw error;
      }
    }
    return !this.#isGone;
  }

  async #look(sequence: number): Promise<boolean> {
    const { firstSequence, lastSequence } = await readStreamFacts(this.#connection, this.#stream);
    if (this.#place !== undefined && lastSequence < sequence) return false;
    for (const place of [this.#before, this.#place]) {
      if (place === undefined || place.sequence < firstSequence) continue;
      if (!(await this.#isThere(place))) return false;
    }
    this.#before = this.#place;
    this.#lookedAt = performance.now();
    return true;
  }

  async #isThere(place: Place): Promise<boolean> {
    const found = await getMessage(this.#connection, this.#stream, place.sequence);
    return found?.storedAt === place.storedAt && found.subject === place.subject;
  }
}
