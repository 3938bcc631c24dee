/**
 * Publishes what is committed.
 *
 * 1. Publications go out in the order in which they were committed, entries before events, without waiting for one
 *    another's acknowledgements; each is reported published only when all before it are.
 * 2. A withdrawal is done before anything behind it goes out: it must not take a task that was sent later.
 * 3. It never gives up: what the server did not take is tried again until the relay is stopped. Message ids make a
 *    repeated publish harmless.
 */
import { type OutgoingMessage, PublishError, TransientError } from '@signalbox/messaging';
import { headers, protocolVersion } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Publication } from './changes.js';
import type { Clock } from './clock.js';
import { covers, type OutboxEntry, type PublishedMarks } from './store/outbox-store.js';
import type { EncodedMessage } from './wire/event-codec.js';

/** Where publications go. */
export interface Outlet {
  /** Resolves when all are stored. Rejects with a PublishError that says which are. */
  publishAll(messages: readonly OutgoingMessage[]): Promise<unknown>;
  /** Removes what lies on the subjects of the filter. */
  withdraw(filter: string): Promise<unknown>;
}

export interface RelayParts {
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The relay was stopped before this was published; it is published after the next start. */
export class RelayStopped extends Error {
  override readonly name = 'RelayStopped';
}

const retryDelayMs = 250;

export class Relay {
  readonly #parts: RelayParts;
  #isStopped = false;
  /** Done when nothing behind it may be overtaken any more. */
  #barrier: Promise<void> | undefined;
  #published: Promise<void> = Promise.resolve();
  #marks: PublishedMarks | undefined;

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** Resolves when this and everything before it is published. */
  publish(publication: Publication): Promise<void> {
    const sent = this.#send(publication);
    const before = this.#published;
    const published = Promise.all([before, sent]).then(() => {
      this.#marks = publication.marks;
    });
    this.#published = published;
    return published;
  }

  /** What has been published since the last call, for the next transaction; undefined when nothing has. */
  takeMarks(): PublishedMarks | undefined {
    const marks = this.#marks;
    this.#marks = undefined;
    return marks;
  }

  /** What waits for another try is given up: it is in the database. */
  stop(): void {
    this.#isStopped = true;
  }

  #send({ entries, events }: Publication): Promise<void> {
    const hasWithdrawals = entries.some(({ kind }) => kind === 'withdrawal');
    if (!hasWithdrawals && this.#barrier === undefined) {
      return this.#publishAll([...entries.flatMap(toMessage), ...events.map(toEventMessage)]);
    }
    const sent = (this.#barrier ?? Promise.resolve()).then(async () => {
      for (const stretch of stretches(entries)) await this.#sendStretch(stretch);
      await this.#publishAll(events.map(toEventMessage));
    });
    this.#barrier = sent;
    const lift = (): void => {
      if (this.#barrier === sent) this.#barrier = undefined;
    };
    // A failure is reported through `sent` itself.
    sent.then(lift, lift);
    return sent;
  }

  async #sendStretch(stretch: readonly OutboxEntry[]): Promise<void> {
    await this.#publishAll(stretch.flatMap(toMessage));
    await Promise.all(widestFilters(stretch).map((filter) => this.#withdraw(filter)));
  }

  async #withdraw(filter: string): Promise<void> {
    for (;;) {
      try {
        await this.#parts.outlet.withdraw(filter);
        return;
      } catch (cause) {
        if (!(cause instanceof TransientError)) throw cause;
        await this.#pause(cause, `withdraw ${filter}`);
      }
    }
  }

  async #publishAll(messages: readonly OutgoingMessage[]): Promise<void> {
    let waiting = messages;
    while (waiting.length > 0) {
      try {
        await this.#parts.outlet.publishAll(waiting);
        return;
      } catch (cause) {
        if (!(cause instanceof PublishError || cause instanceof TransientError)) throw cause;
        await this.#pause(cause, `publish ${waiting.length} messages`);
        if (cause instanceof PublishError) {
          const { outcomes } = cause;
          waiting = waiting.filter((_, index) => !isStored(outcomes[index]));
        }
      }
    }
  }

  async #pause(cause: unknown, what: string): Promise<void> {
    if (this.#isStopped) throw new RelayStopped(`stopped before it could ${what}`, { cause });
    this.#parts.logger.warn('the server did not take everything; trying again', { what, error: cause });
    const { clock } = this.#parts;
    await new Promise<void>((resolve) => clock.setTimer(clock.now() + retryDelayMs, resolve));
    if (this.#isStopped) throw new RelayStopped(`stopped before it could ${what}`, { cause });
  }
}

const isStored = (outcome: unknown): boolean => outcome !== undefined && !(outcome instanceof Error);

/** The end of a run withdraws all its tasks; what its single steps ask for besides is in that. */
const widestFilters = (stretch: readonly OutboxEntry[]): string[] => {
  const filters = new Set(stretch.flatMap((entry) => (entry.kind === 'withdrawal' ? [entry.filter] : [])));
  const wide = [...filters].filter((filter) => filter.endsWith('>'));
  return [...filters].filter((filter) => !wide.some((other) => other !== filter && covers(other, filter)));
};

/** Splits so that the withdrawals of each stretch come last in it. */
const stretches = (entries: readonly OutboxEntry[]): OutboxEntry[][] => {
  const found: OutboxEntry[][] = [];
  let current: OutboxEntry[] = [];
  for (const entry of entries) {
    if (entry.kind === 'message' && current.at(-1)?.kind === 'withdrawal') {
      found.push(current);
      current = [];
    }
    current.push(entry);
  }
  if (current.length > 0) found.push(current);
  return found;
};

const versionHeader = { [headers.version]: protocolVersion };

const toEventMessage = ({ subject, messageId, text }: EncodedMessage): OutgoingMessage => ({
  subject,
  id: messageId,
  headers: versionHeader,
  data: text,
});

const toMessage = (entry: OutboxEntry): OutgoingMessage[] =>
  entry.kind === 'withdrawal'
    ? []
    : [
        {
          subject: entry.subject,
          id: entry.messageId,
          headers:
            entry.idempotencyKey === undefined
              ? versionHeader
              : { ...versionHeader, [headers.idempotencyKey]: entry.idempotencyKey },
          data: entry.payload,
        },
      ];
