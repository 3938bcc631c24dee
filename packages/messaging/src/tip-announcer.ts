/**
 * Tells those who follow the log how far it goes, so that they need not ask. Whoever hears nothing looks by itself, so
 * nothing depends on it but how soon.
 */
import { tipSubjectOf } from '@signalbox/protocol';
import type { Connection } from './connection.js';
import { publishLive } from './live.js';

/** Under load so much later at most: one word for everything since the last. */
const quietMs = 5;

export interface StoredEvent {
  readonly subject: string;
  readonly sequence: number;
}

export class TipAnnouncer {
  readonly #connection: Connection;
  /** What is not said yet, by subject. */
  readonly #tips = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The last of each kind counts. */
  announce(events: readonly StoredEvent[]): void {
    for (const { subject, sequence } of events) this.#tips.set(tipSubjectOf(subject), sequence);
    if (this.#timer === undefined) this.#say();
  }

  #say(): void {
    this.#timer = undefined;
    if (this.#tips.size === 0) return;
    for (const [subject, sequence] of this.#tips) publishLive(this.#connection, subject, String(sequence));
    this.#tips.clear();
    this.#timer = setTimeout(() => this.#say(), quietMs).unref();
  }
}
