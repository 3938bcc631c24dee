/**
 * Owns the ordered reading of a stream from a sequence on, for read models.
 *
 * 1. Messages reach the handler in stream order, each exactly once per call of `followStream`, whatever happens
 *    to the connection or the server: after any interruption reading goes on behind the last handled message.
 * 2. One handler call at a time; no more than a bounded number of messages is asked for at once.
 * 3. Messages are read by their number, several questions under way at a time. So a reader leaves nothing on the server,
 *    and needs no right to make a consumer: one that may delivers what it likes to whom it likes.
 * 4. The publisher says how far the stream goes; who has not heard it looks now and then. Who listens as well reads only
 *    the last of what it has heard in one piece.
 * 5. Caught up means: past the last message that the stream held when reading began. What comes after that is new, and
 *    how much of it is pending says nothing: under load it never comes to zero.
 * 6. A number says nothing about a message: a server that has lost its newest messages gives their numbers to others.
 *    Before anything is handled that was read on another connection, and now and then, it is looked whether what was
 *    handled last is still in its place. Where it is not, reading ends: going on would leave out what came to lie before.
 */
import { ContractError, decodeTip, headers, type Tip, tipSubjectOf } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import { type Connection, linkOf } from './connection.js';
import { TransientError } from './errors.js';
import { type LiveMessage, subscribeLive } from './live.js';
import { LiveTail } from './live-tail.js';
import { pause } from './pause.js';
import { type Place, ReadPlace } from './read-place.js';
import {
  getMessage,
  readForward,
  readNewest,
  readNext,
  readStreamFacts,
  type StoredMessage,
} from './stream-access.js';

const retryDelayMs = 250;
/** At the end of the stream, without a word of the publisher: so much later what is new is seen. */
const lookMs = 1_000;
/** Between two looks whether what was heard is stored: at least, and where what is heard keeps its handler busy. */
const provenEveryMs = { least: 15, most: 50 } as const;
/** Of the time between two looks the handler has this part; more is handled at once, for less, when it takes more. */
const handlerShare = 1 / 3;
/** Questions under way at once. */
const maxAskedCount = 128;
/** Of the answers to questions under way, as far as the last ones tell. */
const maxAskedBytes = 8 * 1_048_576;

export interface FollowOptions {
  stream: string;
  /** One filter (wildcards allowed); everything when absent. */
  filterSubject?: string;
  /** Listens to what is published there as well, which must be all that the stream takes. */
  liveSubject?: string;
  /** First stream sequence wanted, from 1. A sequence that is gone begins with the next that is there. */
  fromSequence: number;
  /** The message before that, where another call has handled one. */
  handled?: Place;
  signal: AbortSignal;
  maxBatch: number;
  /** Told of what was heard as soon as who has stored it says where; the handler has it later, with what comes before. */
  onNumbered?: (message: LiveMessage, sequence: number) => void;
  /** Whether somebody waits for what comes: then it is handled soon, for more. */
  isAwaited?: () => boolean;
  logger: Logger;
  /** One call at a time. `caughtUp`: what the stream held when reading began has been handled with this. Called with an empty list when that was nothing. */
  handler: (messages: readonly StoredMessage[], progress: { caughtUp: boolean }) => Promise<void> | void;
}

/** `rewound`: what was handled last is not in the stream any more. Whoever wants everything begins again. */
export type FollowEnd = 'aborted' | 'rewound';

/** Resolves after the handler at work when `signal` aborts or the stream is rewound; rejects with what the handler threw. Waits for a stream or server that is not there. */
export async function followStream(connection: Connection, options: FollowOptions): Promise<FollowEnd> {
  const tip = new StreamEnd(connection, options);
  const reader = new ForwardReader(connection, options, tip);
  let isWaiting = false;
  try {
    while (!options.signal.aborted) {
      try {
        await reader.begin();
        isWaiting = false;
        if ((await reader.readOn()) === 'rewound') return 'rewound';
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        if (!isWaiting)
          options.logger.info('waiting for the stream', { stream: options.stream, error: error.cause });
        isWaiting = true;
        await pause(retryDelayMs, options.signal);
      }
    }
  } finally {
    tip.close();
    reader.close();
  }
  return 'aborted';
}

/** Told apart from a `TransientError` of the handler, which is the caller's. */
class Unreachable extends Error {}

const reaching = async <T>(request: Promise<T>): Promise<T> => {
  try {
    return await request;
  } catch (cause) {
    if (cause instanceof TransientError) throw new Unreachable('the stream cannot be read', { cause });
    throw cause;
  }
};

/** How far the stream is said to go, what is heard of it, and the wait for more. */
class StreamEnd {
  sequence = 0;
  readonly tail = new LiveTail();
  #doubted = 0;
  readonly #end: () => void;
  #wake: (isTold: boolean) => void = () => undefined;

  constructor(
    connection: Connection,
    { filterSubject = '>', liveSubject, signal, onNumbered }: FollowOptions,
  ) {
    const told = subscribeLive(connection, tipSubjectOf(filterSubject), (message) => {
      const said = tipOf(message);
      if (said === undefined) return;
      this.sequence = Math.max(this.sequence, said.sequence);
      this.tail.number(said.stored ?? [], onNumbered);
      this.#wake(true);
    });
    const live =
      liveSubject === undefined
        ? undefined
        : subscribeLive(connection, liveSubject, (message) => this.tail.hear(message));
    // What was said before the break may be more than the stream still has.
    const endWatching = linkOf(connection).watch({
      onDown: () => {
        this.sequence = 0;
        this.#doubted = 0;
        this.tail.forget();
      },
    });
    const onAbort = () => this.#wake(false);
    signal.addEventListener('abort', onAbort);
    this.#end = () => {
      told.close();
      live?.close();
      endWatching();
      signal.removeEventListener('abort', onAbort);
    };
  }

  /** Whether the last word was that the stream ends before this number. */
  isBefore(sequence: number): boolean {
    return this.sequence > 0 && this.sequence < sequence;
  }

  /** True as soon as something is said; false when it is time to look. */
  async more(nextSequence: number): Promise<boolean> {
    // Said while the last question was under way. What another copy of the stream does not have yet is asked once more.
    if (this.sequence >= nextSequence && this.sequence > this.#doubted) {
      this.#doubted = this.sequence;
      return true;
    }
    const isTold = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, lookMs, false);
      this.#wake = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
    });
    this.#wake = () => undefined;
    return isTold;
  }

  close(): void {
    this.#end();
  }
}

class ForwardReader {
  readonly #connection: Connection;
  readonly #options: FollowOptions;
  readonly #filter: string;
  readonly #tip: StreamEnd;
  readonly #place: ReadPlace;
  #nextSequence: number;
  /** Reading is caught up behind it; it may be deleted meanwhile. */
  #goal = 0;
  #isCaughtUp = false;
  /** When it was last looked whether what was heard is stored, on the monotonic clock. */
  #provenAt = Number.NEGATIVE_INFINITY;
  /** How long the handler has taken the last time. */
  #handledMs = 0;
  /** What may be asked for at once. */
  #askCount = 1;

  constructor(connection: Connection, options: FollowOptions, tip: StreamEnd) {
    this.#connection = connection;
    this.#options = options;
    this.#filter = options.filterSubject ?? '>';
    this.#tip = tip;
    this.#nextSequence = Math.max(1, options.fromSequence);
    this.#place = new ReadPlace(connection, options.stream, options.handled);
  }

  close(): void {
    this.#place.close();
  }

  /** Finds out what there is to catch up with. Asked again after an interruption: the stream may have lost its end with it. */
  async begin(): Promise<void> {
    const { stream, handler } = this.#options;
    const newest = await reaching(readNewest(this.#connection, stream, this.#filter));
    if (this.#isCaughtUp) return;
    this.#goal = newest?.sequence ?? 0;
    if (this.#nextSequence <= this.#goal) return;
    this.#isCaughtUp = true;
    await handler([], { caughtUp: true });
  }

  /** Until the signal aborts, or the stream is rewound. */
  async readOn(): Promise<FollowEnd> {
    const { signal, handler } = this.#options;
    let isTold = true;
    while (!signal.aborted) {
      // As far as was said there is nothing more; who has just looked asks all the same.
      const isAtEnd = isTold && this.#isCaughtUp && this.#tip.isBefore(this.#nextSequence);
      const messages = isAtEnd ? [] : ((await this.#heard()) ?? (await this.#asked()));
      // Asked behind the reading: what was read is of no later server.
      if (!(await this.#isPlaceKept())) return 'rewound';
      const last = messages.at(-1);
      if (last === undefined) {
        // What it waits for may be gone.
        if (!this.#isCaughtUp) await this.begin();
        isTold = await this.#tip.more(this.#nextSequence);
        if (!isTold && !signal.aborted) await this.#passOver();
        continue;
      }
      if (signal.aborted) break;
      this.#isCaughtUp ||= last.sequence >= this.#goal;
      const handledFrom = performance.now();
      await handler(messages, { caughtUp: this.#isCaughtUp });
      this.#handledMs = performance.now() - handledFrom;
      this.#nextSequence = last.sequence + 1;
      this.#place.moveTo(last);
    }
    return 'aborted';
  }

  async #asked(): Promise<readonly StoredMessage[]> {
    const { stream, maxBatch } = this.#options;
    const known = Math.max(this.#goal, this.#tip.sequence) - this.#nextSequence + 1;
    const count = Math.max(1, Math.min(this.#askCount, known, maxBatch));
    const messages = await reaching(
      readForward(this.#connection, stream, this.#filter, this.#nextSequence, count),
    );
    if (messages.length > 0) this.#learn(messages, count);
    return messages;
  }

  /** What was heard from here on, when it is more than one message and the last of it is stored as it was heard. */
  async #heard(): Promise<readonly StoredMessage[] | undefined> {
    const { stream, maxBatch } = this.#options;
    if (!this.#tip.tail.has(this.#nextSequence + 1)) return undefined;
    await this.#hearMore();
    this.#provenAt = performance.now();
    const heard = this.#tip.tail.take(this.#nextSequence, maxBatch);
    if (heard.length < 2) return undefined;
    const lastSequence = this.#nextSequence + heard.length - 1;
    const [last] = await reaching(readForward(this.#connection, stream, this.#filter, lastSequence, 1));
    if (last?.sequence !== lastSequence || !isSame(last, heard.at(-1))) {
      this.#tip.tail.forget();
      return undefined;
    }
    const { storedAt } = last;
    const before = heard.slice(0, -1).map(({ subject, headers, data }, index) => {
      const sequence = this.#nextSequence + index;
      return { stream, sequence, subject, storedAt, isHeard: true as const, headers, data };
    });
    return [...before, last];
  }

  /** Under load what is heard meanwhile shares one question. */
  async #hearMore(): Promise<void> {
    const { signal, isAwaited } = this.#options;
    const { least, most } = provenEveryMs;
    const everyMs = Math.max(least, Math.min(this.#handledMs / handlerShare, most));
    while (!signal.aborted) {
      const leftMs = this.#provenAt + (isAwaited?.() ? least : everyMs) - performance.now();
      if (leftMs <= 0) return;
      await pause(Math.min(leftMs, least), signal);
    }
  }

  /** What the filter does not take need not be looked through again. Only the leader knows that nothing is missing there. */
  async #passOver(): Promise<void> {
    const { stream } = this.#options;
    const { lastSequence } = await reaching(readStreamFacts(this.#connection, stream));
    if (lastSequence < this.#nextSequence) return;
    const last = await reaching(getMessage(this.#connection, stream, lastSequence));
    // Said to be there, and not to be read: nobody knows what is.
    if (last === undefined) return;
    const first = await reaching(readNext(this.#connection, stream, this.#filter, this.#nextSequence));
    // A new place may only follow one that is still there; where it is not, the next reading ends.
    if (!(await this.#isPlaceKept())) return;
    this.#nextSequence = first?.sequence ?? lastSequence + 1;
    if (first === undefined) this.#place.moveTo(last);
  }

  #isPlaceKept(): Promise<boolean> {
    return reaching(this.#place.isKept(this.#nextSequence - 1));
  }

  /** Numbers that a filter passes over, and large messages, make it ask for less. */
  #learn(messages: readonly StoredMessage[], count: number): void {
    const largest = messages.reduce((size, { data }) => Math.max(size, data.length), 1);
    const wanted = messages.length < count ? messages.length : this.#askCount * 2;
    this.#askCount = Math.max(1, Math.min(wanted, maxAskedCount, Math.floor(maxAskedBytes / largest)));
  }
}

/** What is no tip says nothing. */
const tipOf = ({ subject, data }: LiveMessage): Tip | undefined => {
  try {
    return decodeTip({ subject, text: Buffer.from(data).toString() });
  } catch (error) {
    if (error instanceof ContractError) return undefined;
    throw error;
  }
};

const isSame = (stored: StoredMessage, heard: LiveMessage | undefined): boolean =>
  stored.subject === heard?.subject && stored.headers[headers.messageId] === heard.headers[headers.messageId];
