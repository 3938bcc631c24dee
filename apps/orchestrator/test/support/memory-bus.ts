/** A stream server in memory, as far as the relay uses one: ids are remembered, withdrawals remove tasks. */

import {
  type OutgoingMessage,
  PublishError,
  type PublishOutcome,
  type StoredMessage,
  TooLargeError,
} from '@signalbox/messaging';
import { decodeEvent, type EventEnvelope, headers } from '@signalbox/protocol';
import type { Outlet } from '../../src/relay.js';
import type { Withdrawal } from '../../src/store/outbox-store.js';
import type { TaskQueue } from '../../src/task-queue.js';

export interface SentMessage {
  readonly subject: string;
  readonly id: string;
  readonly text: string;
  readonly sequence: number;
  readonly headers: Readonly<Record<string, string>>;
}

export class MemoryBus implements Outlet, TaskQueue {
  /** What was stored for the orchestrator and has not been delivered: subject prefix and number. */
  readonly undelivered: { readonly subject: string; readonly sequence: number }[] = [];
  /** Numbers of tasks that their consumer has passed over. */
  readonly passed = new Set<number>();
  /** Numbers of tasks that their consumer has delivered, and has not passed. */
  readonly inHand = new Set<number>();
  /** Unclaimed tasks, oldest first. */
  tasks: SentMessage[] = [];
  readonly events: EventEnvelope[] = [];
  /** Everything that was stored or withdrawn, in order. */
  readonly journal: string[] = [];
  duplicateCount = 0;
  /** What the server never takes. */
  refuses: (message: OutgoingMessage) => boolean = () => false;
  /** Message id → number in the stream. */
  readonly #ids = new Map<string, number>();
  #sequence = 0;
  #gate: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  /** The number of a message that somebody else stores here. */
  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

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
    fresh.streamName = this.streamName;
    fresh.tasks = [...this.tasks];
    fresh.events.push(...this.events);
    fresh.journal.push(...this.journal);
    for (const [id, sequence] of this.#ids) fresh.#ids.set(id, sequence);
    fresh.#sequence = this.#sequence;
    return fresh;
  }

  /** As when the server's memory for ids is over. */
  forgetIds(): void {
    this.#ids.clear();
  }

  /** The next publish fails, before anything of it is stored. */
  failOnce(error: Error): void {
    this.#failure = error;
  }

  async publishAll(messages: readonly OutgoingMessage[]): Promise<readonly PublishOutcome[]> {
    await this.#gate;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    const outcomes = messages.map((message) =>
      this.refuses(message)
        ? new TooLargeError('larger than the server takes', message.subject)
        : this.#store(message),
    );
    const cause = outcomes.find((outcome) => outcome instanceof Error);
    if (cause !== undefined) throw new PublishError(outcomes, { cause });
    return outcomes.filter((outcome): outcome is PublishOutcome => !(outcome instanceof Error));
  }

  async withdraw({ subject, idempotencyKey }: Withdrawal, sequence: number | undefined): Promise<void> {
    await this.#gate;
    this.journal.push(`withdraw ${subject}`);
    this.tasks = this.tasks.filter((task) =>
      sequence === undefined
        ? task.subject !== subject ||
          (idempotencyKey !== undefined && task.headers[headers.idempotencyKey] !== idempotencyKey)
        : task.sequence !== sequence,
    );
  }

  async last(filter: string): Promise<StoredMessage | undefined> {
    const found = [...this.undelivered, ...this.tasks].findLast(isOn(filter));
    return found && storedMessage(found);
  }

  next = async (filter: string, from: number): Promise<StoredMessage | undefined> => {
    const found = [...this.undelivered, ...this.tasks].filter(isOn(filter));
    const [first] = found.filter(({ sequence }) => sequence >= from).sort((a, b) => a.sequence - b.sequence);
    return first && storedMessage(first);
  };

  streamName = 'first';

  async streamId(): Promise<string> {
    return this.streamName;
  }

  async delete(sequence: number): Promise<void> {
    this.tasks = this.tasks.filter((task) => task.sequence !== sequence);
  }

  async *claimedTasks(): AsyncGenerator<{ consumer: string; message: StoredMessage; isPassed: boolean }> {
    for (const task of this.tasks) {
      const isPassed = this.passed.has(task.sequence);
      if (isPassed || this.inHand.has(task.sequence))
        yield { consumer: 'step-worker', message: storedMessage(task), isPassed };
    }
  }

  mendConsumers = async (): Promise<readonly string[]> => [];

  readonly isDoubtful = false;

  /** Claims the oldest task whose subject begins so. */
  take(prefix: string): SentMessage | undefined {
    const index = this.tasks.findIndex(({ subject }) => subject.startsWith(prefix));
    return index < 0 ? undefined : this.tasks.splice(index, 1)[0];
  }

  #store(message: OutgoingMessage): PublishOutcome {
    const id = message.id ?? '';
    const stream = 'test';
    const known = this.#ids.get(id);
    if (known !== undefined) {
      this.duplicateCount += 1;
      return { stream, sequence: known, isDuplicate: true };
    }
    const sequence = this.nextSequence();
    const text = typeof message.data === 'string' ? message.data : Buffer.from(message.data).toString();
    this.#ids.set(id, sequence);
    this.journal.push(`store ${id}`);
    if (message.subject.startsWith('wf.event.'))
      this.events.push(decodeEvent({ text, subject: message.subject }));
    else this.tasks.push({ subject: message.subject, id, text, sequence, headers: message.headers ?? {} });
    return { stream, sequence, isDuplicate: false };
  }
}

/** As the server matches subjects. */
export const isOn = (filter: string) => {
  const tokens = filter.replace(/\.>$/, '').split('.');
  const isOpen = filter.endsWith('.>');
  return ({ subject }: { readonly subject: string }): boolean => {
    const found = subject.split('.');
    if (isOpen ? found.length <= tokens.length : found.length !== tokens.length) return false;
    return tokens.every((token, index) => token === '*' || token === found[index]);
  };
};

const storedMessage = (
  task: Pick<SentMessage, 'subject' | 'sequence'> & Partial<SentMessage>,
): StoredMessage => ({
  stream: 'WORKFLOW_TASKS',
  storedAt: 0,
  headers: {},
  ...task,
  data: Buffer.from(task.text ?? ''),
});
