/**
 * Publishes what is committed.
 *
 * 1. Publications go out in the order in which they were committed, entries before events, without waiting for one
 *    another's acknowledgements; each is reported published only when all before it are.
 * 2. A withdrawal names one task. It is done when everything committed before it is stored, a few at a time, and no
 *    publication waits for it: only the marks do, so that a withdrawal that was not done is done after the next start.
 * 3. What the server refuses for good is set aside, and the rest goes on.
 * 4. It never gives up otherwise: what the server did not take is tried again until the relay is stopped. What is sent a second
 *    time says so, because a message id is forgotten with its message once that has been acknowledged.
 */
import {
  type OutgoingMessage,
  PublishError,
  type PublishOutcome,
  TransientError,
} from '@signalbox/messaging';
import { ContractError, headers, repeatedMessage, type WireMessage, wireMessage } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Publication } from './changes.js';
import type { Clock } from './clock.js';
import { LruMap } from './lru-map.js';
import type { OutboxEntry, PublishedMarks, Withdrawal } from './store/outbox-store.js';

/** Where publications go. */
export interface Outlet {
  /** Resolves when all are stored. Rejects with a PublishError that says which are. */
  publishAll(messages: readonly OutgoingMessage[]): Promise<readonly PublishOutcome[]>;
  /** Removes the task; `sequence` is its place in the stream, where that is known. */
  withdraw(task: Withdrawal, sequence: number | undefined): Promise<unknown>;
}

export interface RelayParts {
  readonly outlet: Outlet;
  /** Keeps, before it returns, what no server will take; nothing is marked as published before. */
  readonly setAside: (message: WireMessage, cause: ContractError) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with what nobody handles; the process must end. */
  readonly fail: (cause: unknown) => void;
}

/** Where `marks` is absent, nothing is marked by it: what lies between may not have been given yet. */
export type Unmarked = Omit<Publication, 'marks'> & Partial<Pick<Publication, 'marks'>>;

/** The relay was stopped before this was published; it is published after the next start. */
export class RelayStopped extends Error {
  override readonly name = 'RelayStopped';
}

class WithdrawalFailed extends Error {
  override readonly name = 'WithdrawalFailed';
}

const retryDelayMs = 250;
/** Withdrawals under way at any time. */
const maxWithdrawals = 32;
/** Places of tasks that are remembered; what is forgotten is looked up. */
const maxRememberedCount = 20_000;

export class Relay {
  readonly #parts: RelayParts;
  readonly #sequences = new LruMap<string, number>(maxRememberedCount);
  #isStopped = false;
  #published: Promise<void> = Promise.resolve();
  /** As `#published`, with the withdrawals. */
  #done: Promise<void> = Promise.resolve();
  #withdrawingCount = 0;
  /** Withdrawals for which there is no place yet. */
  readonly #waiting: (() => void)[] = [];
  #marks: PublishedMarks | undefined;
  /** Of what was not taken at the first try and waits, the oldest first: since when, on the monotonic clock. */
  readonly #refused = new Set<{ readonly since: number }>();

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** Resolves when this and everything before it is published. */
  publish({ entries, events, marks }: Unmarked): Promise<void> {
    const sent = this.#publishAll([...entries.flatMap(toMessage), ...events]);
    const withdrawals = entries.filter((entry) => entry.kind === 'withdrawal');
    const published = bothDone(this.#published, sent);
    this.#published = published;
    this.#done = this.#doneAfter(this.#done, published, withdrawals, marks);
    // Whoever waits for the publication hears of its failure.
    this.#done.catch(() => undefined);
    return published;
  }

  async #doneAfter(
    before: Promise<void>,
    published: Promise<void>,
    withdrawals: readonly Withdrawal[],
    marks: PublishedMarks | undefined,
  ): Promise<void> {
    await published;
    if (withdrawals.length > 0) {
      const withdrawn = Promise.all(withdrawals.map((task) => this.#withdraw(task)));
      withdrawn.catch((cause) => {
        if (cause instanceof WithdrawalFailed) this.#parts.fail(cause.cause);
      });
      await bothDone(before, withdrawn);
    } else await before;
    if (marks !== undefined) this.#marks = marks;
  }

  /** Sends what was lost once more. Not a part of the order: nothing waits for it. */
  async repeat(entry: Extract<OutboxEntry, { kind: 'message' }>): Promise<void> {
    await this.#publishAll(toMessage(entry).map(repeatedMessage));
  }

  /** Resolves when everything that was given so far is published. */
  settled(): Promise<void> {
    return this.#published;
  }

  /** As `settled`, and everything that was to be withdrawn is. Rejects as `publish`. */
  done(): Promise<void> {
    return this.#done;
  }

  /** How long the server has not taken what it was given, in milliseconds; 0 while it takes everything. */
  get refusedForMs(): number {
    const [oldest] = this.#refused;
    return oldest === undefined ? 0 : this.#parts.clock.monotonic() - oldest.since;
  }

  /** Withdrawals that are not done yet. */
  get withdrawalCount(): number {
    return this.#withdrawingCount + this.#waiting.length;
  }

  /** What has been published since the last call, for the next transaction; undefined when nothing has. */
  takeMarks(): PublishedMarks | undefined {
    const marks = this.#marks;
    this.#marks = undefined;
    return marks;
  }

  /** The server may have lost its newest messages and given their numbers to others. */
  forgetSequences(): void {
    this.#sequences.clear();
  }

  /** What waits for another try is given up: it is in the database. */
  stop(): void {
    this.#isStopped = true;
  }

  async #withdraw(task: Withdrawal): Promise<void> {
    if (this.#withdrawingCount >= maxWithdrawals)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#withdrawingCount += 1;
    try {
      await this.#withdrawUntilDone(task);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#withdrawingCount -= 1;
      else next();
    }
  }

  async #withdrawUntilDone(task: Withdrawal): Promise<void> {
    for (;;) {
      try {
        await this.#parts.outlet.withdraw(task, this.#sequences.get(task.idempotencyKey ?? ''));
        return;
      } catch (cause) {
        if (!(cause instanceof TransientError)) throw new WithdrawalFailed(task.subject, { cause });
        await this.#pause(cause, `withdraw ${task.subject}`);
      }
    }
  }

  async #publishAll(messages: readonly WireMessage[]): Promise<void> {
    let waiting = messages;
    const refused = { since: this.#parts.clock.monotonic() };
    try {
      while (waiting.length > 0) {
        waiting = await this.#publishOnce(waiting);
        if (waiting.length > 0) this.#refused.add(refused);
        waiting = waiting.map(repeatedMessage);
      }
    } finally {
      this.#refused.delete(refused);
    }
  }

  /** Gives what has to be tried again, after a pause. */
  async #publishOnce(messages: readonly WireMessage[]): Promise<readonly WireMessage[]> {
    try {
      const outcomes = await this.#parts.outlet.publishAll(messages);
      this.#remember(messages, outcomes);
      return [];
    } catch (cause) {
      if (!(cause instanceof PublishError || cause instanceof TransientError)) throw cause;
      const left = cause instanceof PublishError ? this.#left(messages, cause.outcomes) : messages;
      if (left.length > 0) await this.#pause(cause, `publish ${left.length} messages`);
      return left;
    }
  }

  /** What has to be tried again. */
  #left(messages: readonly WireMessage[], outcomes: PublishError['outcomes']): readonly WireMessage[] {
    this.#remember(messages, outcomes);
    return messages.filter((message, index) => {
      const outcome = outcomes[index];
      if (outcome instanceof ContractError) this.#parts.setAside(message, outcome);
      return !isStored(outcome) && !(outcome instanceof ContractError);
    });
  }

  #remember(messages: readonly WireMessage[], outcomes: readonly unknown[]): void {
    for (const [index, message] of messages.entries()) {
      const key = message.headers?.[headers.idempotencyKey];
      const outcome = outcomes[index];
      if (key === undefined || !isStored(outcome) || outcome.sequence === undefined) continue;
      this.#sequences.set(key, outcome.sequence);
    }
    this.#sequences.trim();
  }

  async #pause(cause: unknown, what: string): Promise<void> {
    if (this.#isStopped) throw new RelayStopped(`stopped before it could ${what}`, { cause });
    this.#parts.logger.warn('the server did not take everything; trying again', { what, error: cause });
    const { clock } = this.#parts;
    await new Promise<void>((resolve) => clock.setTimer(clock.now() + retryDelayMs, resolve));
    if (this.#isStopped) throw new RelayStopped(`stopped before it could ${what}`, { cause });
  }
}

/** A failure of either is heard of at once. */
const bothDone = async (before: Promise<unknown>, one: Promise<unknown>): Promise<void> => {
  await Promise.all([before, one]);
};

const isStored = (outcome: unknown): outcome is PublishOutcome =>
  outcome !== undefined && !(outcome instanceof Error);

const toMessage = (entry: OutboxEntry): WireMessage[] => {
  if (entry.kind === 'withdrawal') return [];
  const { subject, messageId, payload, idempotencyKey, repeated } = entry;
  const message = wireMessage(subject, messageId, payload, { idempotencyKey });
  return [repeated === true ? repeatedMessage(message) : message];
};
