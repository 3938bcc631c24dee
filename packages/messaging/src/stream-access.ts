/** Owns single reads and deletions in a stream. A server or stream that is away is a `TransientError`. */
import type { ConsumerInfo, JetStreamManager, MsgRequest, StoredMsg, StreamInfo } from '@nats-io/jetstream';
import { millis } from '@nats-io/nats-core';
import { readStreamIdentity } from '@signalbox/protocol';
import { attempt, type Connection, isClustered, linkOf } from './connection.js';
import { apiCodes, hasApiCode, TransientError } from './errors.js';
import { type MessageHeaders, readHeaders } from './message-headers.js';
import { pause } from './pause.js';

/** Of a copy of a stream that is in step, with room for a busy machine. */
const maxLagMs = 500;

export interface StoredMessage {
  stream: string;
  subject: string;
  sequence: number;
  /** Milliseconds since 1970. */
  storedAt: number;
  /** It was heard as it was published, and not read: `storedAt` is that of a message shortly behind it. */
  isHeard?: true;
  headers: MessageHeaders;
  data: Uint8Array;
}

/**
 * The last message on `subject` (wildcards allowed). Read directly where the stream allows it, which is all that a user
 * with few permissions may do. Of several copies any may answer, also one that lags behind: there it is asked twice,
 * with more time between than a copy in step lags, and the newer answer counts; unless what it may lag does not matter.
 */
export function readLast(
  connection: Connection,
  stream: string,
  subject: string,
  options: { mayLag?: boolean } = {},
): Promise<StoredMessage | undefined> {
  const { manager } = linkOf(connection);
  const query = { last_by_subj: subject };
  return attempt(connection, `reading the last message on ${subject}`, async () => {
    const copies = await directCopies(connection, stream);
    const read = (): Promise<StoredMsg | null> =>
      copies === 0 ? askLeader(connection, stream, query) : manager.direct.getMessage(stream, query);
    let message = await read();
    if (copies > 1 && options.mayLag !== true) {
      await pause(maxLagMs);
      const again = await read();
      if (message === null || (again !== null && again.seq > message.seq)) message = again;
    }
    return message === null ? undefined : translate(stream, message);
  });
}

/** As `readLast`, of whichever copy answers: it may lag behind. Needs no right but to the subject. */
export function peekLast(
  connection: Connection,
  stream: string,
  subject: string,
): Promise<StoredMessage | undefined> {
  const { manager } = linkOf(connection);
  return attempt(connection, `looking at the last message on ${subject}`, async () => {
    const message = await manager.direct.getMessage(stream, { last_by_subj: subject });
    return message === null ? undefined : translate(stream, message);
  });
}

/** As `readLast`, but asked of the leader: nothing that was stored before the question is missed. */
export function readNewest(
  connection: Connection,
  stream: string,
  subject: string,
): Promise<StoredMessage | undefined> {
  return attempt(connection, `reading the newest message on ${subject}`, async () => {
    const message = await askLeader(connection, stream, { last_by_subj: subject });
    return message === null ? undefined : translate(stream, message);
  });
}

/** The first message on `filterSubject` (wildcards allowed) from a number on, asked of the leader. */
export function readNext(
  connection: Connection,
  stream: string,
  filterSubject: string,
  fromSequence: number,
): Promise<StoredMessage | undefined> {
  const query = { seq: fromSequence, next_by_subj: filterSubject };
  return attempt(connection, `reading ${filterSubject} of ${stream}`, async () => {
    const message = await askLeader(connection, stream, query);
    return message === null ? undefined : translate(stream, message);
  });
}

/** How many copies answer direct reads. Asked once: nobody answers where none does, not even to refuse. */
async function directCopies(connection: Connection, stream: string): Promise<number> {
  const { manager, directReads } = linkOf(connection);
  const known = directReads.get(stream);
  if (known !== undefined) return known;
  const { config } = await manager.streams.info(stream);
  const copies = config.allow_direct === true ? config.num_replicas : 0;
  directReads.set(stream, copies);
  return copies;
}

/** Which stream it is, and how far it goes. */
export interface StreamFacts {
  /** A stream that was deleted and made again has another: what it says of itself, or else when it was made. */
  id: string;
  /** Of the first message that there is; behind the last one when none is left. */
  firstSequence: number;
  /** When that was stored: milliseconds since 1970; undefined where there is none. */
  firstAt: number | undefined;
  /** Of the last message there ever was, also when it is gone; 0 when there was none. */
  lastSequence: number;
  description: string | undefined;
  /** What it holds now. */
  bytes: number;
  /** Infinity where nothing is dropped for its size. */
  maxBytes: number;
  /** Infinity where nothing is dropped for its age. */
  maxAgeMs: number;
}

export function readStreamFacts(connection: Connection, stream: string): Promise<StreamFacts> {
  const { manager } = linkOf(connection);
  return attempt(connection, `reading the state of ${stream}`, async () =>
    factsOf(await manager.streams.info(stream)),
  );
}

/** Undefined where nobody has made the stream. */
export function findStreamFacts(connection: Connection, stream: string): Promise<StreamFacts | undefined> {
  const { manager } = linkOf(connection);
  return attempt(connection, `reading the state of ${stream}`, async () => {
    try {
      return factsOf(await manager.streams.info(stream));
    } catch (error) {
      if (hasApiCode(error, apiCodes.streamNotFound)) return undefined;
      throw error;
    }
  });
}

const factsOf = ({ created, state, config }: StreamInfo): StreamFacts => ({
  id: readStreamIdentity(config.description)?.streamId ?? created,
  firstSequence: state.first_seq,
  firstAt: state.messages === 0 ? undefined : Date.parse(state.first_ts),
  lastSequence: state.last_seq,
  description: config.description,
  bytes: state.bytes,
  maxBytes: config.max_bytes > 0 ? config.max_bytes : Number.POSITIVE_INFINITY,
  maxAgeMs: config.max_age > 0 ? millis(config.max_age) : Number.POSITIVE_INFINITY,
});

/** Changes what the stream says about itself, and nothing else. */
export function setStreamDescription(
  connection: Connection,
  stream: string,
  description: string,
): Promise<void> {
  const { manager } = linkOf(connection);
  return attempt(connection, `describing ${stream}`, async () => {
    await manager.streams.update(stream, { description });
  });
}

export function getMessage(
  connection: Connection,
  stream: string,
  sequence: number,
): Promise<StoredMessage | undefined> {
  return attempt(connection, `reading message ${sequence} of ${stream}`, async () => {
    const message = await askLeader(connection, stream, { seq: sequence });
    return message === null ? undefined : translate(stream, message);
  });
}

/** With all that lies in it. What is asked about it from here on says first whether there is another one of that name. */
export function deleteStream(connection: Connection, stream: string): Promise<void> {
  const { manager, readable, directReads } = linkOf(connection);
  return attempt(connection, `deleting ${stream}`, async () => {
    readable.delete(stream);
    directReads.delete(stream);
    try {
      await manager.streams.delete(stream);
    } catch (error) {
      if (!hasApiCode(error, apiCodes.streamNotFound)) throw error;
    } finally {
      readable.delete(stream);
    }
  });
}

/**
 * Up to `count` messages on `filterSubject` (wildcards allowed) from a number on, in stream order; none at the end of the
 * stream. One question for each number, all under way at once, so it is quick where few numbers are passed over. Any
 * copy of the stream may answer: what one does not have yet ends the list.
 */
export function readForward(
  connection: Connection,
  stream: string,
  filterSubject: string,
  fromSequence: number,
  count: number,
): Promise<StoredMessage[]> {
  const { manager } = linkOf(connection);
  return attempt(connection, `reading ${stream} from ${fromSequence} on`, async () => {
    const asked = Array.from({ length: count }, (_, index) =>
      manager.direct.getMessage(stream, { seq: fromSequence + index, next_by_subj: filterSubject }),
    );
    const messages: StoredMessage[] = [];
    for (const message of await Promise.all(asked)) {
      if (message === null) break;
      if (message.seq > (messages.at(-1)?.sequence ?? 0)) messages.push(translate(stream, message));
    }
    return messages;
  });
}

/** Each message that lies on `filterSubject` (wildcards allowed) now, in stream order. */
export async function* readMessages(
  connection: Connection,
  stream: string,
  filterSubject: string,
): AsyncGenerator<StoredMessage, void, undefined> {
  for (let sequence = 1; ; ) {
    const message = await readNext(connection, stream, filterSubject, sequence);
    if (message === undefined) return;
    yield message;
    sequence = message.sequence + 1;
  }
}

/**
 * False when there was no such message (any more). In a cluster it is looked for first: where the members are told to
 * delete a number that the stream has not reached yet, each of them gives up what it shares with the others (2.9.10).
 */
export function deleteMessage(connection: Connection, stream: string, sequence: number): Promise<boolean> {
  const { manager } = linkOf(connection);
  return attempt(connection, `deleting message ${sequence} of ${stream}`, async () => {
    const find = () => askLeader(connection, stream, { seq: sequence });
    if (isClustered(connection) && (await find()) === null) return false;
    try {
      return await manager.streams.deleteMessage(stream, sequence, false);
    } catch (error) {
      if (hasApiCode(error, apiCodes.sequenceNotFound)) return false;
      // The code says that the deletion failed, not why.
      if (!hasApiCode(error, apiCodes.deleteFailed)) throw error;
      if ((await find()) !== null) throw error;
      return false;
    }
  });
}

/** What lies in a work queue although its consumer has delivered it. */
export interface ClaimedMessage {
  message: StoredMessage;
  /** The consumer will never deliver it again; otherwise it may be in somebody's hands. */
  isPassed: boolean;
}

/** Stretches of a stream that are read side by side. */
const stretchCount = 16;

/**
 * What lies in a work queue although its consumer has delivered it, in no order: what is in somebody's hands, what
 * was delivered too often, and what was acknowledged just before the server was killed, whose removal it had not written
 * down. Only the owner of the work can tell these apart, and deletes what it knows.
 *
 * How far the acknowledgements reach without a gap says little: one task that takes hours holds that back, and so does
 * one whose removal the killed server had written down, but not that it was acknowledged (2.9.10).
 * A consumer that nobody has made yet has delivered nothing.
 */
export async function* readClaimed(
  connection: Connection,
  source: { stream: string; durable: string },
): AsyncGenerator<ClaimedMessage, void, undefined> {
  const { stream, durable } = source;
  const { manager } = linkOf(connection);
  const what = `reading what was claimed of ${stream}`;
  const info = await attempt(connection, what, () => consumerOrNull(manager, stream, durable));
  if (info === null) return;
  const lastSequence = info.delivered.stream_seq;
  const passedSequence = info.num_ack_pending === 0 ? lastSequence : info.ack_floor.stream_seq;
  const filter = info.config.filter_subject ?? '>';
  const first = await readNext(connection, stream, filter, 1);
  if (first === undefined) return;
  for await (const message of readStretches(connection, stream, filter, first.sequence, lastSequence))
    yield { message, isPassed: message.sequence <= passedSequence };
}

/**
 * Whether a consumer has passed numbers that its stream has not given yet: a server that was killed had kept more of the one
 * than of the other, and the consumer delivers nothing of what gets these numbers now. @throws TransientError
 */
export async function isAheadOfStream(
  connection: Connection,
  { stream, durable }: { stream: string; durable: string },
): Promise<boolean> {
  const { manager } = linkOf(connection);
  const what = `comparing ${durable} with ${stream}`;
  const info = await attempt(connection, what, () => consumerOrNull(manager, stream, durable));
  if (info === null) return false;
  // Asked behind it: what was delivered is stored.
  return info.delivered.stream_seq > (await readStreamFacts(connection, stream)).lastSequence;
}

/** Most numbers of a work queue are gone: a question for each would be answered with the same message again and again. */
async function* readStretches(
  connection: Connection,
  stream: string,
  filter: string,
  from: number,
  to: number,
): AsyncGenerator<StoredMessage, void, undefined> {
  const length = Math.ceil((to - from + 1) / stretchCount);
  let stretches = Array.from({ length: stretchCount }, (_, index) => ({
    next: from + index * length,
    to: Math.min(to, from + (index + 1) * length - 1),
  }));
  for (;;) {
    stretches = stretches.filter((stretch) => stretch.next <= stretch.to);
    if (stretches.length === 0) return;
    const found = await Promise.all(stretches.map(({ next }) => readNext(connection, stream, filter, next)));
    for (const [index, stretch] of stretches.entries()) {
      const message = found[index];
      stretch.next = (message?.sequence ?? stretch.to) + 1;
      if (message !== undefined && message.sequence <= stretch.to) yield message;
    }
  }
}

async function consumerOrNull(
  manager: JetStreamManager,
  stream: string,
  durable: string,
): Promise<ConsumerInfo | null> {
  try {
    return await manager.consumers.info(stream, durable);
  } catch (error) {
    if (hasApiCode(error, apiCodes.consumerNotFound)) return null;
    throw error;
  }
}

/**
 * Every question to the leader for a message goes through here. nats-server 2.9 ends itself (a nil pointer) when it is
 * asked for a message of a stream that it is making at that moment: who waits for a stream must not ask for its messages.
 * What the stream says about itself is safe to ask for, and has no date of creation until there is a place for messages.
 */
async function askLeader(
  connection: Connection,
  stream: string,
  query: MsgRequest,
): Promise<StoredMsg | null> {
  const { manager, readable } = linkOf(connection);
  if (!readable.has(stream)) {
    const { created } = await manager.streams.info(stream);
    if (!(Date.parse(created) > 0)) throw new TransientError(`${stream} is being made`);
    readable.add(stream);
  }
  try {
    return await manager.streams.getMessage(stream, query);
  } catch (error) {
    if (hasApiCode(error, apiCodes.messageNotFound)) return null;
    if (hasApiCode(error, apiCodes.streamNotFound)) readable.delete(stream);
    throw error;
  }
}

/** What a direct read adds to the headers that the publisher gave. */
const addedHeaders = new Set(['Nats-Stream', 'Nats-Subject', 'Nats-Sequence', 'Nats-Time-Stamp']);

function translate(stream: string, message: StoredMsg): StoredMessage {
  const headers = Object.entries(readHeaders({ headers: message.header }));
  return {
    stream,
    subject: message.subject,
    sequence: message.seq,
    storedAt: message.time.getTime(),
    headers: Object.fromEntries(headers.filter(([name]) => !addedHeaders.has(name))),
    data: message.data,
  };
}
