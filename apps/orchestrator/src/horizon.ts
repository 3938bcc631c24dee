/**
 * Up to which instant everything that the stream has stored for this process has been seen.
 *
 * 1. A consumer delivers in stream order. What it has delivered is seen, and so is everything that was stored before.
 * 2. Where nothing is delivered any more, the stream is asked for its last message: who has seen that one has seen
 *    everything up to the moment of the question.
 * 3. A consumer that is made anew delivers anew: what is known of it is forgotten.
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
}

const unknown = Number.NEGATIVE_INFINITY;
const fresh = (): Source => ({ sequence: 0, storedAt: unknown, target: 0, askedAt: unknown });

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

  note({ consumer, streamSequence, storedAt }: Delivery): void {
    const source = this.#sources.get(consumer);
    if (source === undefined || streamSequence <= source.sequence) return;
    source.sequence = streamSequence;
    source.storedAt = storedAt;
  }

  forget(consumer: string): void {
    if (this.#sources.has(consumer)) this.#sources.set(consumer, fresh());
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
        source.target = target;
        source.askedAt = now;
      }),
    );
  }
}
