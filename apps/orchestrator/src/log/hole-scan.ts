/**
 * Looks for messages of the log that the server cannot give back. A damaged file of its store shows nowhere else: readers
 * that have passed the place do not come by it again, and the end of the log is as it was.
 *
 * 1. From the beginning of the stream to the end that it has when reading begins: on each connection, and again an hour
 *    after that. What is stored meanwhile the server has in its memory, and would give back whatever the disk says.
 *    A look reads on for as long as it may, and rests nine times as long as each question has taken: work comes first, and
 *    a machine that is busy is asked less. Where something was found it rests as long as each has taken: somebody waits
 *    for the log to be whole.
 * 2. What is asked for at once is bounded, also in bytes: more than the server keeps for one reader ends its connection.
 * 3. What was found counts as mended when everything is read that the log held when it had been published again. What
 *    came later says nothing about that, and under load there is no end to it.
 */
import {
  type Connection,
  getMessage,
  pause,
  readForward,
  readStreamFacts,
  type StoredMessage,
  type StreamFacts,
} from '@signalbox/messaging';
import { EVENTS } from '@signalbox/protocol';
import { RecoveryPause } from './recovery-pause.js';

const longestLookMs = 1_000;
const againAfterMs = 3_600_000;
const restFactor = 9;
const maxAskedCount = 32;
/** Of the answers to questions under way, as far as the last ones tell. */
const maxAskedBytes = 4 * 1_048_576;

export interface HoleScanOptions {
  /** Of a monotonic clock, in milliseconds. */
  readonly now?: () => number;
  /** A look ends after so long; it reads a little in any case. */
  readonly maxLookMs?: number;
}

export class HoleScan {
  readonly #now: () => number;
  readonly #maxLookMs: number;
  readonly #pause = new RecoveryPause();
  #next = 1;
  #askCount = 1;
  /** Reading goes as far as this, and what was found is mended when that is read; unknown until the next look. */
  #goal: number | undefined;
  #readAt: number | undefined;

  constructor({ now = () => performance.now(), maxLookMs = longestLookMs }: HoleScanOptions = {}) {
    this.#now = now;
    this.#maxLookMs = maxLookMs;
  }

  /** How often something was found that could not be read, without the log having been whole since. */
  get foundCount(): number {
    return this.#pause.count;
  }

  /** The server is another one, or may be. */
  restart(): void {
    this.#next = 1;
    this.#begin();
  }

  /** What was found is no fault of the server as it is now. */
  forget(): void {
    this.#pause.end();
  }

  /** What lies up to there has been made good. */
  passTo(sequence: number): void {
    this.#next = Math.max(this.#next, sequence + 1);
    this.#begin();
  }

  hasReached(sequence: number): boolean {
    return this.#next > sequence;
  }

  /**
   * The first number that cannot be read, and is not gone by the limits of the stream. When publishing it again has not
   * helped, it is told after ever longer pauses. @throws TransientError
   */
  async look(connection: Connection, facts: StreamFacts): Promise<number | undefined> {
    const startedAt = this.#now();
    if (this.#readAt !== undefined && startedAt - this.#readAt >= againAfterMs) this.restart();
    this.#goal ??= facts.lastSequence;
    this.#next = Math.max(this.#next, facts.firstSequence);
    while (!this.hasReached(this.#goal)) {
      const askedAt = this.#now();
      const hole = await this.#readOn(connection, Math.min(this.#askCount, this.#goal - this.#next + 1));
      const now = this.#now();
      if (hole !== undefined) {
        if (!this.#pause.isOver(now)) return undefined;
        this.#pause.begin(now);
        return hole;
      }
      if (now - startedAt >= this.#maxLookMs) break;
      await pause(Math.ceil((now - askedAt) * (this.foundCount > 0 ? 1 : restFactor)));
    }
    if (this.hasReached(this.#goal)) {
      this.#readAt ??= this.#now();
      this.#pause.end();
    }
    return undefined;
  }

  #begin(): void {
    this.#goal = undefined;
    this.#readAt = undefined;
  }

  /** The first of the next so many that is not there. */
  async #readOn(connection: Connection, count: number): Promise<number | undefined> {
    const from = this.#next;
    const messages = await readForward(connection, EVENTS, '>', from, count);
    this.#learn(messages);
    const found = new Set(messages.map(({ sequence }) => sequence));
    for (let sequence = from; sequence < from + count; sequence += 1) {
      // Any copy may have answered: one that lags behind has no hole.
      const isThere = found.has(sequence) || (await getMessage(connection, EVENTS, sequence)) !== undefined;
      // The limits may have dropped it since the beginning of the look.
      if (!isThere && (await readStreamFacts(connection, EVENTS)).firstSequence <= sequence) return sequence;
      this.#next = sequence + 1;
    }
    return undefined;
  }

  #learn(messages: readonly StoredMessage[]): void {
    const largest = messages.reduce((size, { data }) => Math.max(size, data.length), 1);
    this.#askCount = Math.max(
      1,
      Math.min(this.#askCount * 2, maxAskedCount, Math.floor(maxAskedBytes / largest)),
    );
  }
}
