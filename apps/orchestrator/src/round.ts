/** What the turns of one round have committed, to be published together (`turn-queue.ts`). */
import type { WireMessage } from '@signalbox/protocol';
import type { Publication } from './changes.js';
import type { Item } from './parking.js';
import type { OutboxEntry } from './store/outbox-store.js';

export class Round {
  readonly #entries: OutboxEntry[] = [];
  readonly #events: WireMessage[] = [];
  readonly #decided: Item[] = [];
  #marks: Publication['marks'] = { outbox: 0, events: 0 };

  /** What one turn has committed, and the inputs that are to be settled when that is published. */
  add({ entries, events, marks }: Publication, decided: readonly Item[]): void {
    for (const entry of entries) this.#entries.push(entry);
    for (const event of events) this.#events.push(event);
    for (const item of decided) this.#decided.push(item);
    this.#marks = marks;
  }

  get publication(): Publication {
    return { entries: this.#entries, events: this.#events, marks: this.#marks };
  }

  get decided(): readonly Item[] {
    return this.#decided;
  }
}
