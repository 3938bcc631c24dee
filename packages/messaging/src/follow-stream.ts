/**
 * Owns the ordered reading of a stream from a sequence on, for read models.
 *
 * 1. Messages reach the handler in stream order, each exactly once per call of `followStream`, whatever happens
 *    to the connection or the server: after any interruption reading goes on behind the last handled message.
 * 2. One handler call at a time; no more than a bounded number of messages wait for it.
 * 3. The consumer on the server is nobody's state: it is made anew after each interruption and forgotten by the
 *    server when nobody reads.
 * 4. Caught up means: past the last message that the stream held when reading began. What comes after that is new, and
 *    how much of it is pending says nothing: under load it never comes to zero.
 */
import { AckPolicy, type ConsumerConfig, DeliverPolicy } from '@nats-io/jetstream';
import { type Msg, nanos } from '@nats-io/nats-core';
import type { Logger } from '@signalbox/telemetry';
import { attempt, type Connection, linkOf, pause } from './connection.js';
import { type DeliveryFacts, readFacts } from './delivery.js';
import { TransientError } from './errors.js';
import { readHeaders } from './message-headers.js';
import { PullWindow } from './pull-window.js';
import { readNewest, type StoredMessage } from './stream-access.js';

/** The server forgets the consumer when nobody has pulled for this long. */
const inactiveThresholdMs = 60_000;
const retryDelayMs = 250;
/** With nothing to read for so long before it is caught up, the message that it waits for may be gone: it is asked again. */
const idleMs = 2_000;

export interface FollowOptions {
  stream: string;
  /** One filter (wildcards allowed); everything when absent. */
  filterSubject?: string;
  /** First stream sequence wanted, from 1. A sequence that is gone begins with the next that is there. */
  fromSequence: number;
  signal: AbortSignal;
  maxBatch: number;
  logger: Logger;
  /** One call at a time. `caughtUp`: what the stream held when reading began has been handled with this. Called with an empty list when that was nothing. */
  handler: (messages: readonly StoredMessage[], progress: { caughtUp: boolean }) => Promise<void> | void;
}

/** Resolves when `signal` aborts, after the handler at work; rejects with what the handler threw. Waits for a stream or server that is not there. */
export async function followStream(connection: Connection, options: FollowOptions): Promise<void> {
  const progress = { nextSequence: options.fromSequence, isCaughtUp: false };
  let isWaiting = false;
  while (!options.signal.aborted) {
    try {
      // Asked again after an interruption: the stream may have lost its end with it.
      const lastSequence = progress.isCaughtUp ? 0 : await lastMatching(connection, options);
      const consumer = await createConsumer(connection, options, progress.nextSequence);
      isWaiting = false;
      if (!progress.isCaughtUp && lastSequence < progress.nextSequence) {
        progress.isCaughtUp = true;
        await options.handler([], { caughtUp: true });
      }
      await readUntilLost(connection, options, consumer, lastSequence, progress);
    } catch (error) {
      if (!(error instanceof ConsumerUnavailable)) throw error;
      if (!isWaiting)
        options.logger.info('waiting for the stream', { stream: options.stream, error: error.cause });
      isWaiting = true;
      await pause(retryDelayMs, options.signal);
    }
  }
}

/** Told apart from a `TransientError` of the handler, which is the caller's. */
class ConsumerUnavailable extends Error {}

async function createConsumer(connection: Connection, options: FollowOptions, fromSequence: number) {
  const config: Partial<ConsumerConfig> = {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, fromSequence),
    inactive_threshold: nanos(inactiveThresholdMs),
    mem_storage: true,
    num_replicas: 1,
    ...(options.filterSubject === undefined ? {} : { filter_subject: options.filterSubject }),
  };
  try {
    const info = await attempt(connection, `following ${options.stream}`, () =>
      linkOf(connection).manager.consumers.add(options.stream, config),
    );
    return info.name;
  } catch (cause) {
    if (cause instanceof TransientError) throw new ConsumerUnavailable('no consumer', { cause });
    throw cause;
  }
}

/** Sequence of the last message that there is for this reader; 0 when there is none. */
async function lastMatching(connection: Connection, options: FollowOptions): Promise<number> {
  try {
    const last = await readNewest(connection, options.stream, options.filterSubject ?? '>');
    return last?.sequence ?? 0;
  } catch (cause) {
    if (cause instanceof TransientError) throw new ConsumerUnavailable('no stream', { cause });
    throw cause;
  }
}

interface Arrival {
  message: Msg;
  facts: DeliveryFacts;
}

interface Progress {
  /** To go on with. */
  nextSequence: number;
  isCaughtUp: boolean;
}

async function readUntilLost(
  connection: Connection,
  options: FollowOptions,
  consumer: string,
  lastSequence: number,
  progress: Progress,
): Promise<void> {
  let arrived: Arrival[] = [];
  let arrivedCount = 0;
  let isLost = options.signal.aborted;
  let wake: () => void = () => undefined;
  let idle: NodeJS.Timeout | undefined;
  const onMessage = (message: Msg) => {
    const facts = readFacts(message);
    arrivedCount += 1;
    // One is missing: it was on its way when something broke.
    if (facts.consumerSequence !== arrivedCount) isLost = true;
    if (!isLost) arrived.push({ message, facts });
    wake();
  };
  const onLost = () => {
    isLost = true;
    wake();
  };
  const window = new PullWindow(connection, {
    ...options,
    consumer,
    size: options.maxBatch * 4,
    onMessage,
    onLost,
  });
  options.signal.addEventListener('abort', onLost);
  try {
    for (;;) {
      if (arrived.length === 0 && !isLost) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          clearTimeout(idle);
          if (!progress.isCaughtUp) idle = setTimeout(resolve, idleMs);
        });
      }
      // What has arrived in order is handled even when what follows it is lost.
      if (arrived.length === 0 || options.signal.aborted) return;
      const batch = arrived.slice(0, options.maxBatch);
      arrived = arrived.slice(options.maxBatch);
      const readSequence = batch.at(-1)?.facts.streamSequence ?? progress.nextSequence - 1;
      progress.isCaughtUp ||= readSequence >= lastSequence;
      await options.handler(batch.map(translate), { caughtUp: progress.isCaughtUp });
      progress.nextSequence = readSequence + 1;
      window.release(batch.length);
    }
  } finally {
    clearTimeout(idle);
    options.signal.removeEventListener('abort', onLost);
    window.close();
  }
}

function translate({ message, facts }: Arrival): StoredMessage {
  return {
    stream: facts.stream,
    subject: message.subject,
    sequence: facts.streamSequence,
    storedAt: facts.storedAt,
    headers: readHeaders(message),
    data: message.data,
  };
}
