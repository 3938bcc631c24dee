/**
 * Brings what several consumers deliver into the order of the stream while one of them is still on its way to where
 * the stream ended when it began: until then an older message may come behind a younger one, a cancel behind the
 * result that it was to forestall.
 */
import type { RunKey } from '@signalbox/protocol';

export interface Ordered {
  /** Undefined for what belongs to no run. */
  readonly runKey: RunKey | undefined;
  /** Nothing waits for it, and it waits for nothing. */
  readonly isLoose: boolean;
  /** In the stream. */
  readonly sequence: number;
  readonly storedAt: number;
}

export class StreamOrder<T extends Ordered> {
  #held: T[] = [];

  add(messages: readonly T[]): void {
    this.#held.push(...messages);
  }

  /** When the oldest message was stored that is held back; infinity when none is. */
  get heldFrom(): number {
    return this.#held.reduce((from, { storedAt }) => Math.min(from, storedAt), Number.POSITIVE_INFINITY);
  }

  hasReady(deliveredUpTo: number): boolean {
    return this.#held.some(({ sequence }) => sequence <= deliveredUpTo);
  }

  /** In stream order, everything that nothing older can come behind: all up to this number has been delivered. */
  take(deliveredUpTo: number): T[] {
    if (this.#held.length === 0) return [];
    const isReady = ({ isLoose, sequence }: T): boolean => isLoose || sequence <= deliveredUpTo;
    const ready = this.#held.filter(isReady);
    this.#held = ready.length === this.#held.length ? [] : this.#held.filter((each) => !isReady(each));
    return ready.sort((a, b) => a.sequence - b.sequence);
  }
}
