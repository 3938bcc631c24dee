/**
 * Up to which instant everything that the stream has stored for this process has been seen.
 *
 * 1. A consumer delivers in stream order. What it has delivered is seen, and so is everything that was stored before.
 * 2. Where nothing is delivered any more, the stream is asked for its last message: who has seen that one has seen
 *    everything up to the moment of the question.
 * 3. A consumer that is made anew delivers anew: what is known of it is forgotten, and it is on its way until it has
 *    delivered what the stream held for it when it was asked first, or until nothing waits for it any more.
 * 4. What was delivered before the connection broke says nothing: the server that is there now may have lost its newest
 *    messages, and give their numbers to others.
 */
import type { Delivery } from '@signalbox/messaging';

/** By consumer: the number of the last message that waits for it in the stream; 0 where none does. */
export type LastWaiting = (consumer: string) => Promise<number>;

interface Source {
  sequence: number;
  storedAt: number;
  /** When the last message that was waiting at `askedAt` has this number. */
  target: number;
  askedAt: number;
  /** The first `target`. */
  arrivesAt: number;
  /** It has reached the end of the stream once. */
  hasArrived: boolean;
}

const unknown = Number.NEGATIVE_INFINITY;
const everything = Number.POSITIVE_INFINITY;
const fresh = (): Source => ({
  sequence: 0,
  storedAt: unknown,
  target: 0,
  askedAt: unknown,
  arrivesAt: everything,
  hasArrived: false,
});

export class Horizon {
  readonly #sources: Map<string, Source>;
  readonly #lastWaiting: LastWaiting;

  constructor(consumers: readonly string[], lastWaiting: LastWaiting) {
    this.#sources = new Map(consumers.map((consumer) => [consumer, fresh()]));
    this.#lastWaiting = lastWaiting;
  }

  /** Milliseconds since 1970; before the first message and question: minus infinity. */
  get at(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { sequence, storedAt, target, askedAt } of this.#sources.values()) {
      at = Math.min(at, sequence >= target ? Math.max(storedAt, askedAt) : storedAt);
    }
    return at;
  }

  /** Up to this number of the stream everything has been delivered; infinity when no consumer is on its way. */
  get deliveredUpTo(): number {
    let upTo = everything;
    for (const { sequence, hasArrived } of this.#sources.values())
      if (!hasArrived) upTo = Math.min(upTo, sequence);
    return upTo;
  }

  /** No consumer is on its way. */
  get hasArrived(): boolean {
    return this.deliveredUpTo === everything;
  }

  /** `receivedAt` and everything else here is of this process's clock: nothing was stored after it was received. */
  note({ consumer, streamSequence, storedAt, isCurrent }: Delivery, receivedAt: number): void {
    const source = this.#sources.get(consumer);
    if (source === undefined || !isCurrent || streamSequence <= source.sequence) return;
    source.sequence = streamSequence;
    source.storedAt = Math.min(storedAt, receivedAt);
    source.hasArrived ||= streamSequence >= source.arrivesAt;
  }

  /** False for a consumer that nothing depends on. */
  forget(consumer: string): boolean {
    if (!this.#sources.has(consumer)) return false;
    this.#sources.set(consumer, fresh());
    return true;
  }

  /** Asks what waits at the instant `now`. @throws TransientError */
  async ask(now: number): Promise<void> {
    await Promise.all(
      [...this.#sources.keys()].map(async (consumer) => {
        const asked = this.#sources.get(consumer);
        const target = await this.#lastWaiting(consumer);
        const source = this.#sources.get(consumer);
        // Made anew meanwhile: the answer was about another order of things.
        if (source === undefined || source !== asked) return;
        if (source.askedAt === unknown) source.arrivesAt = target;
        source.target = target;
        source.askedAt = now;
        source.hasArrived ||= source.sequence >= Math.min(target, source.arrivesAt);
      }),
    );
  }
}
