/**
 * Inputs that cannot be decided yet, by lane. Their deliveries stay unsettled: after a crash they come again.
 */
import type { BatchInput } from './wire/input-codec.js';
import type { Undecided } from './write-path.js';

/** An input with what to do when what follows from it is published, or when nothing will come of it. */
export interface Item {
  readonly input: BatchInput;
  readonly settle: () => void;
  readonly giveBack: () => void;
}

export class Parking {
  readonly #lanes = new Map<string, Item[]>();
  readonly #answered: (lane: string) => void;

  /** `answered`: what the first of the lane has waited for is there. */
  constructor(answered: (lane: string) => void) {
    this.#answered = answered;
  }

  /** Keeps what is undecided of the items; returns the others. */
  park(items: readonly Item[], undecided: readonly Undecided[]): readonly Item[] {
    if (undecided.length === 0) return items;
    const byInput = new Map(items.map((item) => [item.input, item]));
    for (const { input, lane, fetch } of undecided) {
      const item = byInput.get(input);
      if (item === undefined) continue;
      byInput.delete(input);
      const queue = this.#lanes.get(lane);
      if (queue === undefined) this.#lanes.set(lane, [item]);
      else queue.push(item);
      if (fetch !== undefined) void fetch().then(() => this.#answered(lane));
    }
    return [...byInput.values()];
  }

  /** What was parked in the lane, in order; it is the caller's from now on. */
  take(lane: string): readonly Item[] {
    const items = this.#lanes.get(lane) ?? [];
    this.#lanes.delete(lane);
    return items;
  }

  get count(): number {
    let count = 0;
    for (const items of this.#lanes.values()) count += items.length;
    return count;
  }

  giveAllBack(): void {
    for (const items of this.#lanes.values()) for (const { giveBack } of items) giveBack();
    this.#lanes.clear();
  }
}
