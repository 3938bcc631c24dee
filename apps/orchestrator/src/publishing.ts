/**
 * The way out of what is committed: the turns of one round go together (`turn-queue.ts`).
 *
 * 1. Nothing is published before it survives a loss of power (`store/commit-sync.ts`), and nothing is settled before all
 *    that follows from it is published.
 * 2. What is published is marked by the first transaction after `markEveryMs`; when nothing more comes, by one of its own.
 *    Each mark is a page more to write. What is published and not marked is found in the log at the next start, or goes out
 *    again under its id.
 */
import type { WireMessage } from '@signalbox/protocol';
import type { Publication } from './changes.js';
import type { Clock } from './clock.js';
import type { Item } from './parking.js';
import { type Relay, RelayStopped, type Unmarked } from './relay.js';
import type { CommitSync } from './store/commit-sync.js';
import type { OutboxEntry, PublishedMarks } from './store/outbox-store.js';

export interface PublishingParts {
  readonly sync: Pick<CommitSync, 'durable' | 'durableNow'>;
  readonly relay: Relay;
  readonly clock: Clock;
  readonly markPublished: (marks: PublishedMarks) => void;
  /** Nobody waits for this thread. */
  readonly isAlone: () => boolean;
  /** A round is published, or will not be; true where others are under way. */
  readonly release: () => boolean;
  /** Called when something is published, and what had brought it is settled. */
  readonly tell: () => void;
  readonly fail: (cause: unknown) => void;
}

interface Round {
  readonly entries: OutboxEntry[];
  readonly events: WireMessage[];
  readonly decided: Item[];
  marks: PublishedMarks | undefined;
}

const markEveryMs = 50;
const maxEventsAlone = 16;
const empty = (): Round => ({ entries: [], events: [], decided: [], marks: undefined });
const nothing = (): void => undefined;

export class Publishing {
  readonly #parts: PublishingParts;
  #round = empty();
  #idleMark: { cancel(): void } | undefined;
  /** On the monotonic clock. */
  #markedAt = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(parts: PublishingParts) {
    this.#parts = parts;
  }

  /** What is published by now, for the next transaction; undefined where the last mark is young. */
  takeMarks(): PublishedMarks | undefined {
    this.#idleMark?.cancel();
    this.#idleMark = undefined;
    const now = this.#parts.clock.monotonic();
    if (now - this.#markedAt < markEveryMs) return undefined;
    this.#markedAt = now;
    return this.#parts.relay.takeMarks();
  }

  /** What one turn has committed, and the inputs that are settled when that is published. */
  add({ entries, events, marks }: Publication, decided: readonly Item[]): void {
    for (const entry of entries) this.#round.entries.push(entry);
    for (const event of events) this.#round.events.push(event);
    for (const item of decided) this.#round.decided.push(item);
    this.#round.marks = marks;
  }

  publishRound(): void {
    const { entries, events, decided, marks } = this.#round;
    this.#round = empty();
    this.#publish({ entries, events, ...(marks === undefined ? {} : { marks }) }).then(
      () => this.#published(decided),
      (cause) => this.#unpublished(cause, decided),
    );
  }

  /** What belongs to no round. */
  publishAside(publication: Unmarked): void {
    this.#publish(publication).then(this.#parts.tell, (cause) => {
      if (!(cause instanceof RelayStopped)) this.#parts.fail(cause);
    });
  }

  /** Nothing is marked any more, but by `markPublished`. */
  stop(): void {
    this.#isStopped = true;
    this.#idleMark?.cancel();
  }

  markPublished(): void {
    const marks = this.#parts.relay.takeMarks();
    if (marks !== undefined) this.#parts.markPublished(marks);
  }

  /** In the order of the calls. Where nobody waits for this thread, it waits for the disk itself: not for many, others come. */
  async #publish(publication: Unmarked): Promise<void> {
    const { sync, relay, isAlone } = this.#parts;
    const isForFew = publication.events.length <= maxEventsAlone;
    if (!isForFew || !isAlone() || !sync.durableNow()) await sync.durable();
    await relay.publish(publication);
  }

  #published(decided: readonly Item[]): void {
    const { clock, release, tell } = this.#parts;
    for (const { settle } of decided) settle();
    tell();
    if (release() || this.#isStopped) return;
    this.#idleMark?.cancel();
    this.#idleMark = clock.setTimer(clock.now() + markEveryMs, () => this.#markWhenDone());
  }

  #unpublished(cause: unknown, decided: readonly Item[]): void {
    this.#parts.release();
    for (const { giveBack } of decided) giveBack();
    // Stopped: it is in the database and goes out after the next start; its deliveries come again.
    if (!(cause instanceof RelayStopped)) this.#parts.fail(cause);
  }

  /** Withdrawals may take longer than the publications before them. */
  #markWhenDone(): void {
    this.#parts.relay.done().then(() => {
      if (!this.#isStopped) this.markPublished();
    }, nothing);
  }
}
