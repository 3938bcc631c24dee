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
 * 5. What goes out in a row into a stream of which this is the only publisher needs two acknowledgements (`row.ts`).
 * 6. One inbox subscription serves all messages and one timer serves all deadlines, so a message costs a map
 *    entry and no request of its own.
 */
import { randomUUID } from 'node:crypto';
import { headers as createHeaders, type Msg, type MsgHdrs } from '@nats-io/nats-core';
import { ContractError, headers as names } from '@signalbox/protocol';
import { type Connection, type Link, linkOf } from './connection.js';
import { ForbiddenError, TransientError } from './errors.js';
import { type MessageHeaders, writeHeaders } from './message-headers.js';
import { isStored, type Outcome, type PublishOutcome, readAck } from './pub-ack.js';
import { type Row, rowsOf } from './row.js';
import { isStoredAsSaid, type Sight } from './stored-as-said.js';

export interface OutgoingMessage {
  readonly subject: string;
  /** `Nats-Msg-Id`. Without one a repeated publish may store the message twice. */
  readonly id?: string;
  readonly headers?: MessageHeaders;
  readonly data: Uint8Array | string;
}

export interface PublisherOptions {
  /** After this long without an acknowledgement the message is sent again. Default 2 s. */
  ackTimeoutMs?: number;
  /** After this long in all, the publish fails with a `TransientError`. Default 30 s. */
  deadlineMs?: number;
  /** Unacknowledged messages at any time; more wait in order. Default 4096. */
  maxUnacknowledged?: number;
  /** How this user may look whether the stream holds a message. Default `subject`. */
  sight?: Sight;
  /** True for the subjects of one stream that keeps everything and into which nobody else publishes. Default: for none. */
  isSole?: (subject: string) => boolean;
}

export interface Publisher {
  /** Throws `TransientError` (refused, no answer in time) or `ContractError` (larger than the server takes, or `ForbiddenError`). */
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
const headerRoomBytes = 128;

interface Entry {
  readonly token: number;
  /** Nobody else publishes on its subject. */
  readonly isSole: boolean;
  readonly subject: string;
  readonly data: Uint8Array;
  headers: MsgHdrs | undefined;
  readonly settle: (outcome: Outcome) => void;
  readonly givenAt: number;
  readonly deadlineAt: number;
  sentAt: number;
  /** Of the connection that it went out on first, or undefined. */
  firstSentOn: number | undefined;
  /** Under this id. */
  sendCount: number;
  /** It is being looked whether the stream holds it. */
  isLookedFor: boolean;
  /** Nobody was there to take it; to be sent again at this time, rather than when its acknowledgement is late. */
  againAt: number | undefined;
  /** In which it went out, while that may still prove it. */
  row: Row<Entry> | undefined;
}

export function createPublisher(connection: Connection, options: PublisherOptions = {}): Publisher {
  return new PipelinedPublisher(connection, options);
}

class PipelinedPublisher implements Publisher {
  readonly #connection: Connection;
  readonly #link: Link;
  readonly #ackTimeoutMs: number;
  readonly #deadlineMs: number;
  readonly #maxUnacknowledged: number;
  readonly #sight: Sight;
  readonly #isSole: (subject: string) => boolean;
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
    this.#ackTimeoutMs = options.ackTimeoutMs ?? 2_000;
    this.#deadlineMs = options.deadlineMs ?? 30_000;
    this.#maxUnacknowledged = options.maxUnacknowledged ?? 4_096;
    this.#sight = options.sight ?? 'subject';
    this.#isSole = options.isSole ?? (() => false);
    const subscription = this.#link.nats.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error === null) this.#onAck(message);
      },
    });
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
    const outcome = this.#enqueue(message);
    this.#pump();
    const decided = await outcome;
    if (decided instanceof Error) throw decided;
    return decided;
  }

  async publishAll(messages: readonly OutgoingMessage[]): Promise<PublishOutcome[]> {
    const given = messages.map((message) => this.#enqueue(message));
    this.#pump();
    const outcomes = await Promise.all(given);
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
    for (const entry of left) entry.settle(new TransientError('the publisher was closed'));
  }

  #sizeError({ subject, id, headers }: OutgoingMessage, dataBytes: number): ContractError | undefined {
    let size = dataBytes + headerRoomBytes + Buffer.byteLength(id ?? '');
    for (const name in headers) size += name.length + (headers[name]?.length ?? 0) + 4;
    const limit = this.#connection.maxPayloadBytes;
    if (size <= limit) return undefined;
    return new ContractError(
      `a message of ${size} bytes is larger than the server takes (${limit})`,
      subject,
    );
  }

  #enqueue(message: OutgoingMessage): Promise<Outcome> | Outcome {
    if (this.#isClosed) return new TransientError('the publisher is closed');
    const data = typeof message.data === 'string' ? Buffer.from(message.data) : message.data;
    const tooLarge = this.#sizeError(message, data.length);
    if (tooLarge !== undefined) return tooLarge;
    const now = Date.now();
    return new Promise((settle) => {
      this.#waiting.push({
        token: ++this.#lastToken,
        isSole: this.#isSole(message.subject),
        subject: message.subject,
        data,
        headers: writeHeaders(message.id, message.headers),
        settle,
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
    });
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
  }

  #send(entry: Entry): void {
    entry.sentAt = Date.now();
    entry.againAt = undefined;
    entry.isLookedFor = false;
    entry.firstSentOn ??= this.#link.breakCount;
    entry.sendCount += 1;
    try {
      const { subject, data, headers } = entry;
      const reply = entry.row?.isInside(entry) === true ? undefined : this.#inbox + entry.token;
      this.#link.nats.publish(subject, data, {
        ...(reply === undefined ? {} : { reply }),
        ...(headers === undefined ? {} : { headers }),
      });
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
  #acknowledged(entry: Entry, outcome: Outcome): void {
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

  async #lookFor(entry: Entry, outcome: PublishOutcome): Promise<void> {
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
    entry.headers ??= createHeaders();
    entry.headers.set(names.messageId, `${entry.headers.get(names.messageId)}/${randomUUID()}`);
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
    if (this.#unacknowledged.size === 0 && this.#waiting.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    entry.settle(outcome);
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
    entry.headers ??= createHeaders();
    entry.headers.set(names.repeated, '1');
    this.#send(entry);
  }

  #checkTimes(): void {
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

/** What the server then calls a duplicate is looked for. */
const forgetSending = (entry: Entry): void => {
  entry.firstSentOn = undefined;
  entry.sendCount = 0;
};
