/**
 * Owns publishing into streams: pipelined, each message acknowledged by the stream that stored it.
 *
 * 1. First sends happen in the order in which messages are given.
 * 2. A message is sent again under the same `Nats-Msg-Id` when its acknowledgement is late and after every
 *    reconnect, and says that it is repeated: the stream forgets the id of a message that was acknowledged and
 *    removed. A repeated message may be stored behind messages given after it.
 * 3. What no stream takes at the moment waits and is sent again, until its deadline: while a cluster elects, there is
 *    nobody to answer.
 * 4. That a message is a duplicate is believed only where the server has got it from here on the same connection, or
 *    where the stream still holds what it says. Otherwise it goes out once more, under an id that nobody knows: who
 *    receives it twice takes it once, and who has never received it would wait for ever.
 * 5. What goes out in a row needs two acknowledgements (`row.ts`).
 * 6. In a cluster nothing has a message id. A stream of several copies takes its messages out of a log that its members
 *    share, and nats-server 2.9 finds a duplicate only when it takes it out. A member that was killed takes out the end of
 *    that log once more, and has forgotten the ids of what was removed since, or is older than the duplicate window: it
 *    stores that again. From then on it numbers messages otherwise than the other members do, and once it leads, what was
 *    acknowledged to a publisher is gone. Where nothing is a duplicate, none of this happens
 *    (`packages/testing/test/cluster.int.test.ts`). What is stored twice instead, its receivers take once.
 * 7. One inbox subscription serves all messages and one timer serves all deadlines, so a message costs a map
 *    entry and no request of its own.
 */
import { randomUUID } from 'node:crypto';
import type { Msg } from '@nats-io/nats-core';
import { ContractError } from '@signalbox/protocol';
import { type Connection, isClustered, type Link, linkOf } from './connection.js';
import { ForbiddenError, TooLargeError, TransientError } from './errors.js';
import { headersOnWire, isHeaderValue } from './message-headers.js';
import { type Entry, forgetSending, type Given, type OutgoingMessage, settle } from './outgoing.js';
import { type Acknowledged, isStored, type Outcome, type PublishOutcome, readAck } from './pub-ack.js';
import { type Row, type RowKind, rowsOf } from './row.js';
import { isStoredAsSaid, type Sight } from './stored-as-said.js';

export interface PublisherOptions {
  /** After this long without an acknowledgement the message is sent again. Default 2 s, in a cluster 5 s. */
  ackTimeoutMs?: number;
  /** After this long in all, the publish fails with a `TransientError`. Default 30 s. */
  deadlineMs?: number;
  /** Unacknowledged messages at any time; more wait in order. Default 4096. */
  maxUnacknowledged?: number;
  /** How this user may look whether the stream holds a message. Default `subject`. */
  sight?: Sight;
  /** Which messages go out in rows (`row.ts`), each kind into one stream. Default: none. Of `watched` ones none do in a cluster. */
  rowKindOf?: (message: OutgoingMessage) => RowKind | undefined;
}

export interface Publisher {
  /** Throws `TransientError` (refused, no answer in time) or `ContractError` (`TooLargeError`, `ForbiddenError`, or a header that is none). */
  publish(message: OutgoingMessage): Promise<PublishOutcome>;
  /** Rejects with `PublishError` when any failed, after all are decided: what the server refuses for good stops none of the others. */
  publishAll(messages: readonly OutgoingMessage[]): Promise<PublishOutcome[]>;
  /** How long the message has waited, in milliseconds, that has waited longest for its acknowledgement; 0 when none waits. */
  readonly longestWaitMs: number;
  /** What is not acknowledged yet fails with a `TransientError`. */
  close(): void;
}

/**
 * Which of a batch are stored: `outcomes[i]` belongs to message `i`; `cause` is the first failure. A `ContractError` is
 * a message that the server will never take.
 */
export class PublishError extends TransientError {
  override name = 'PublishError';
  constructor(
    readonly outcomes: readonly (PublishOutcome | TransientError | ContractError)[],
    options: ErrorOptions,
  ) {
    const failedCount = outcomes.filter((outcome) => outcome instanceof Error).length;
    super(`${failedCount} of ${outcomes.length} messages were not stored`, options);
  }
}

const noStreamDelayMs = 100;
/** A repetition is stored again in a cluster: not before a leader that is merely slow has had its time. */
const clusterAckTimeoutMs = 5_000;
const headerRoomBytes = 128;

export function createPublisher(connection: Connection, options: PublisherOptions = {}): Publisher {
  return new PipelinedPublisher(connection, options);
}

class PipelinedPublisher implements Publisher {
  readonly #connection: Connection;
  readonly #link: Link;
  readonly #isClustered: boolean;
  readonly #ackTimeoutMs: number;
  readonly #deadlineMs: number;
  readonly #maxUnacknowledged: number;
  readonly #sight: Sight;
  readonly #rowKindOf: (message: OutgoingMessage) => RowKind | undefined;
  readonly #inbox: string;
  readonly #unacknowledged = new Map<number, Entry>();
  #waiting: Entry[] = [];
  #lastToken = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  readonly #endListening: () => void;

  constructor(connection: Connection, options: PublisherOptions) {
    this.#connection = connection;
    this.#link = linkOf(connection);
    this.#inbox = `${this.#link.newInbox()}.`;
    this.#isClustered = isClustered(connection);
    this.#ackTimeoutMs = options.ackTimeoutMs ?? (this.#isClustered ? clusterAckTimeoutMs : 2_000);
    this.#deadlineMs = options.deadlineMs ?? 30_000;
    this.#maxUnacknowledged = options.maxUnacknowledged ?? 4_096;
    this.#sight = options.sight ?? 'subject';
    this.#rowKindOf = options.rowKindOf ?? (() => undefined);
    const subscription = this.#link.listen(`${this.#inbox}*`, (message) => this.#onAck(message));
    const endWatching = this.#link.watch({
      onUp: () => this.#sendAllAgain(),
      onForbidden: (subject) => this.#onForbidden(subject),
    });
    this.#endListening = () => {
      endWatching();
      subscription.unsubscribe();
    };
  }

  async publish(message: OutgoingMessage): Promise<PublishOutcome> {
    const [outcome] = await this.#give([message]);
    if (outcome === undefined || outcome instanceof Error) throw outcome;
    return outcome;
  }

  async publishAll(messages: readonly OutgoingMessage[]): Promise<PublishOutcome[]> {
    const outcomes = await this.#give(messages);
    const failure = outcomes.find((outcome) => outcome instanceof Error);
    if (failure !== undefined) throw new PublishError(outcomes, { cause: failure });
    return outcomes.filter(isStored);
  }

  get longestWaitMs(): number {
    const [oldest] = this.#unacknowledged.values();
    const givenAt = (oldest ?? this.#waiting[0])?.givenAt;
    return givenAt === undefined ? 0 : Date.now() - givenAt;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endListening();
    clearInterval(this.#timer);
    const left = [...this.#unacknowledged.values(), ...this.#waiting];
    this.#unacknowledged.clear();
    this.#waiting = [];
    for (const entry of left) settle(entry, new TransientError('the publisher was closed'));
  }

  /** Why no server would take it. */
  #refusal({ subject, id, headers }: OutgoingMessage, dataBytes: number): ContractError | undefined {
    let size = dataBytes + headerRoomBytes + Buffer.byteLength(id ?? '');
    let isPlain = isHeaderValue(id ?? '');
    for (const name in headers) {
      const value = headers[name] ?? '';
      size += name.length + value.length + 4;
      isPlain &&= isHeaderValue(value);
    }
    if (!isPlain) return new ContractError('a header of a message has a line end in it', subject);
    const limit = this.#connection.maxPayloadBytes;
    if (size <= limit) return undefined;
    return new TooLargeError(
      `a message of ${size} bytes is larger than the server takes (${limit})`,
      subject,
    );
  }

  #give(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    return new Promise((resolve) => {
      const given: Given = { outcomes: [], leftCount: messages.length, resolve };
      if (messages.length === 0) resolve([]);
      const now = Date.now();
      for (const [place, message] of messages.entries()) this.#enqueue(message, given, place, now);
      this.#pump();
    });
  }

  #enqueue(message: OutgoingMessage, given: Given, place: number, now: number): void {
    const data = typeof message.data === 'string' ? Buffer.from(message.data) : message.data;
    const refusal = this.#isClosed
      ? new TransientError('the publisher is closed')
      : this.#refusal(message, data.length);
    if (refusal !== undefined) {
      settle({ given, place }, refusal);
      return;
    }
    const rowKind = this.#rowKindOf(message);
    this.#waiting.push({
      token: ++this.#lastToken,
      given,
      place,
      // A leader that is lost takes the middle of a row with it, and the others' messages hide that.
      rowKind: rowKind === 'watched' && this.#isClustered ? undefined : rowKind,
      subject: message.subject,
      data,
      headers: message.headers,
      id: this.#isClustered ? undefined : message.id,
      isRepeated: false,
      givenAt: now,
      deadlineAt: now + this.#deadlineMs,
      sentAt: 0,
      firstSentOn: undefined,
      sendCount: 0,
      isLookedFor: false,
      againAt: undefined,
      row: undefined,
    });
    this.#timer ??= setInterval(
      () => this.#checkTimes(),
      Math.max(10, Math.min(this.#ackTimeoutMs / 4, noStreamDelayMs)),
    );
  }

  #pump(): void {
    // What is sent while the connection is down is lost without a word: it stays here until the reconnect.
    if (this.#connection.status !== 'connected') return;
    const room = this.#maxUnacknowledged - this.#unacknowledged.size;
    if (this.#waiting.length === 0 || room <= 0) return;
    const going = this.#waiting.splice(0, room);
    for (const row of rowsOf(going)) for (const entry of row.members) entry.row = row;
    for (const entry of going) {
      this.#unacknowledged.set(entry.token, entry);
      this.#send(entry);
    }
    this.#link.acks.send();
  }

  #send(entry: Entry): void {
    entry.sentAt = Date.now();
    entry.againAt = undefined;
    entry.isLookedFor = false;
    entry.firstSentOn ??= this.#link.breakCount;
    entry.sendCount += 1;
    try {
      const { subject, data, id, isRepeated, row } = entry;
      const headers = headersOnWire(entry.headers, { id, isRepeated });
      if (row?.isInside(entry) === true) this.#link.nats.publish(subject, data, { headers });
      else this.#link.nats.publish(subject, data, { headers, reply: this.#inbox + entry.token });
    } catch (cause) {
      this.#decide(entry, new TransientError(`cannot publish on ${entry.subject}`, { cause }));
    }
  }

  #onAck(message: Msg): void {
    const entry = this.#unacknowledged.get(Number(message.subject.slice(this.#inbox.length)));
    // A second acknowledgement, of a message that was sent again.
    if (entry === undefined) return;
    if (message.data.length === 0) {
      entry.againAt = Date.now() + noStreamDelayMs;
      this.#link.disturbed();
      return;
    }
    const outcome = readAck(message, entry.subject);
    if (isStored(outcome) && outcome.isDuplicate && entry.row !== undefined) this.#sendRowAgain(entry.row);
    const isDoubtful = isStored(outcome) && outcome.isDuplicate && !this.#hasStored(entry);
    if (isDoubtful) {
      void this.#lookFor(entry, outcome);
      return;
    }
    this.#acknowledged(entry, outcome);
    this.#pump();
  }

  /** What is proven by both ends of a row is stored. */
  #acknowledged(entry: Entry, outcome: Acknowledged | TransientError | ContractError): void {
    const { row } = entry;
    this.#decide(entry, outcome);
    if (row === undefined || !isStored(outcome)) return;
    const proof = row.note(entry, outcome.sequence);
    if (proof === 'refuted') {
      // That a server has lost some of what it got is known here: that it knows an id says nothing.
      for (const [entry] of row.inside()) forgetSending(entry);
      this.#sendRowAgain(row);
    }
    if (proof !== 'proven') return;
    for (const [inside, sequence] of row.inside())
      this.#decide(inside, { stream: outcome.stream, sequence, isDuplicate: false });
  }

  /** Each of them for itself: an acknowledgement that fails to come, or is another one, proves nothing. */
  #sendRowAgain(row: Row<Entry>): void {
    for (const entry of row.members) entry.row = undefined;
    for (const [entry] of row.inside()) if (this.#unacknowledged.has(entry.token)) this.#sendAgain(entry);
  }

  /** The server has got it from here, and has not been another one since. */
  #hasStored(entry: Entry): boolean {
    return entry.sendCount > 1 && entry.firstSentOn === this.#link.breakCount;
  }

  async #lookFor(entry: Entry, outcome: Acknowledged): Promise<void> {
    if (entry.isLookedFor) return;
    entry.isLookedFor = true;
    let isThere: boolean;
    try {
      isThere = await isStoredAsSaid(this.#connection, outcome, entry, this.#sight);
    } catch (cause) {
      // It is sent again when its acknowledgement is late, and looked for then.
      entry.isLookedFor = false;
      if (cause instanceof TransientError) return;
      throw cause;
    }
    // Decided or sent again meanwhile.
    if (!entry.isLookedFor || this.#unacknowledged.get(entry.token) !== entry) return;
    if (isThere) {
      this.#decide(entry, outcome);
      this.#pump();
      return;
    }
    entry.id = `${entry.id ?? ''}/${randomUUID()}`;
    forgetSending(entry);
    this.#sendAgain(entry);
  }

  /** The server names the subject and not the message, and refuses all on that subject alike. */
  #onForbidden(subject: string): void {
    for (const entry of [...this.#unacknowledged.values()]) {
      if (entry.subject !== subject) continue;
      this.#decide(entry, new ForbiddenError(`the server does not permit a message on ${subject}`, subject));
    }
    this.#pump();
  }

  #decide(entry: Entry, outcome: Outcome): void {
    this.#unacknowledged.delete(entry.token);
    settle(entry, outcome);
    if (entry.row !== undefined && !isStored(outcome)) this.#sendRowAgain(entry.row);
  }

  #sendAllAgain(): void {
    for (const entry of this.#unacknowledged.values()) entry.row = undefined;
    for (const entry of [...this.#unacknowledged.values()]) this.#sendAgain(entry);
    this.#pump();
  }

  #sendAgain(entry: Entry): void {
    const { row } = entry;
    if (row !== undefined) this.#sendRowAgain(row);
    if (row?.isInside(entry) === true) return;
    entry.isRepeated = true;
    this.#send(entry);
  }

  #checkTimes(): void {
    if (this.#unacknowledged.size === 0 && this.#waiting.length === 0) {
      // Not as soon as nothing waits: where one message follows another, each would make a timer and end it.
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = Date.now();
    const isLate = (entry: Entry) => now >= entry.deadlineAt;
    const late = [...this.#unacknowledged.values(), ...this.#waiting].filter(isLate);
    if (late.length > 0) this.#waiting = this.#waiting.filter((entry) => !isLate(entry));
    for (const entry of late) {
      this.#decide(
        entry,
        new TransientError(`no acknowledgement for ${entry.subject} in ${this.#deadlineMs} ms`),
      );
    }
    if (this.#connection.status !== 'connected') return;
    for (const entry of [...this.#unacknowledged.values()]) {
      if (entry.isLookedFor || now < (entry.againAt ?? entry.sentAt + this.#ackTimeoutMs)) continue;
      this.#link.disturbed();
      this.#sendAgain(entry);
    }
    this.#pump();
  }
}
