/** A stream server in memory, as far as the relay uses one: ids are remembered, withdrawals remove tasks. */

import type { OutgoingMessage } from '@signalbox/messaging';
import { decodeEvent, type EventEnvelope } from '@signalbox/protocol';
import type { Outlet } from '../../src/relay.js';

export interface SentMessage {
  readonly subject: string;
  readonly id: string;
  readonly text: string;
}

export class MemoryBus implements Outlet {
  /** Unclaimed tasks, oldest first. */
  tasks: SentMessage[] = [];
  readonly events: EventEnvelope[] = [];
  /** Everything that was stored or withdrawn, in order. */
  readonly journal: string[] = [];
  duplicateCount = 0;
  readonly #ids = new Set<string>();
  #gate: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  /** From now on nothing is stored until the returned function is called. */
  hold(): () => void {
    let open: () => void = () => undefined;
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  }

  /** The same server as a new process sees it: what the old connection holds back never arrives. */
  reconnected(): MemoryBus {
    const fresh = new MemoryBus();
    fresh.tasks = [...this.tasks];
    fresh.events.push(...this.events);
    fresh.journal.push(...this.journal);
    for (const id of this.#ids) fresh.#ids.add(id);
    return fresh;
  }

  /** The next publish fails, before anything of it is stored. */
  failOnce(error: Error): void {
    this.#failure = error;
  }

  async publishAll(messages: readonly OutgoingMessage[]): Promise<void> {
    await this.#gate;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    for (const message of messages) this.#store(message);
  }

  async withdraw(filter: string): Promise<void> {
    await this.#gate;
    this.journal.push(`withdraw ${filter}`);
    const prefix = filter.endsWith('>') ? filter.slice(0, -1) : undefined;
    this.tasks = this.tasks.filter(({ subject }) =>
      prefix === undefined ? subject !== filter : !subject.startsWith(prefix),
    );
  }

  /** Claims the oldest task whose subject begins so. */
  take(prefix: string): SentMessage | undefined {
    const index = this.tasks.findIndex(({ subject }) => subject.startsWith(prefix));
    return index < 0 ? undefined : this.tasks.splice(index, 1)[0];
  }

  #store(message: OutgoingMessage): void {
    const id = message.id ?? '';
    if (this.#ids.has(id)) {
      this.duplicateCount += 1;
      return;
    }
    this.#ids.add(id);
    const text = typeof message.data === 'string' ? message.data : Buffer.from(message.data).toString();
    this.journal.push(`store ${id}`);
    if (message.subject.startsWith('wf.event.')) this.events.push(decodeEvent(text, message.subject));
    else this.tasks.push({ subject: message.subject, id, text });
  }
}
