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
  /** What is not said yet: the last of each kind, by the subject on which it is said. */
  readonly #tips = new Map<string, number>();
  #stored: [sequence: number, id: string][] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The last of each kind counts. */
  note(events: readonly StoredEvent[]): void {
    for (const { id, subject, sequence } of events) {
      this.#tips.set(tipSubjectOf(subject), sequence);
      this.#stored.push([sequence, id]);
    }
  }

  /** Says what was noted, at once or in a short while. With the acknowledgements it costs no write of its own. */
  tell(): void {
    if (this.#timer === undefined) this.#say();
  }

  #say(): void {
    this.#timer = undefined;
    if (this.#tips.size === 0) return;
    for (const [subject, sequence] of this.#tips)
      publishLive(this.#connection, subject, encodeTip({ sequence }));
    while (this.#stored.length > 0) {
      const stored = this.#stored.splice(0, maxToldCount);
      const sequence = Math.max(...stored.map(([each]) => each));
      publishLive(this.#connection, tipSubjectOf(filters.allEvents), encodeTip({ sequence, stored }));
    }
    this.#tips.clear();
    this.#timer = setTimeout(() => this.#say(), quietMs).unref();
  }
}
