/**
 * Tells those who follow the log how far it goes, so that they need not ask. Whoever hears nothing looks by itself, so
 * nothing depends on it but how soon.
 */
import { encodeTip, filters, tipSubjectOf } from '@signalbox/protocol';
import type { Connection } from './connection.js';
import { publishLive } from './live.js';

/** Under load so much later at most: one word for everything since the last. */
const quietMs = 15;
/** In one word. */
const maxToldCount = 1_000;

export interface StoredEvent {
  readonly id: string;
  readonly subject: string;
  readonly sequence: number;
}

export class TipAnnouncer {
  readonly #connection: Connection;
  /** What is not said yet. */
  #stored: StoredEvent[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  note(event: StoredEvent): void {
    this.#stored.push(event);
  }

  /** Says what was noted, at once or in a short while. With the acknowledgements it costs no write of its own. */
  tell(): void {
    if (this.#timer === undefined) this.#say();
  }

  #say(): void {
    this.#timer = undefined;
    if (this.#stored.length === 0) return;
    const all = this.#stored;
    this.#stored = [];
    for (const [subject, sequence] of lastOfEachKind(all))
      publishLive(this.#connection, subject, encodeTip({ sequence }));
    for (let from = 0; from < all.length; from += maxToldCount) {
      const stored = all.slice(from, from + maxToldCount).map(toldOf);
      const sequence = Math.max(...stored.map(([each]) => each));
      publishLive(this.#connection, tipSubjectOf(filters.allEvents), encodeTip({ sequence, stored }));
    }
    this.#timer = setTimeout(() => this.#say(), quietMs).unref();
  }
}

const toldOf = ({ sequence, id }: StoredEvent): [sequence: number, id: string] => [sequence, id];

/** By the subject on which it is said. */
const lastOfEachKind = (events: readonly StoredEvent[]): ReadonlyMap<string, number> =>
  new Map(events.map(({ subject, sequence }) => [tipSubjectOf(subject), sequence]));
