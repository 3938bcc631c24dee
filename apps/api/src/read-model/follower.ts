/**
 * Keeps the read model on the stream.
 *
 * 1. Before following, and now and then while following, it asks whether the stream is the one that the read model was
 *    built from: the last applied message must still be there (or be gone by age), and the stream must not end
 *    before it. Another stream, or one that has lost its end, means building again from its first message.
 * 2. What the read model throws is nobody's to handle: it ends the process.
 */
import { type Connection, followStream, getMessage, readLast, TransientError } from '@signalbox/messaging';
import { EVENTS, filters } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Position } from './projection.js';
import type { ReadModel } from './read-model.js';

export interface FollowerOptions {
  readonly connection: Connection;
  readonly readModel: ReadModel;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Between two looks at the stream. Default 5 s. */
  readonly identityCheckMs?: number;
}

const maxBatch = 1_000;
const retryDelayMs = 250;

/** Resolves when `signal` aborts; rejects with what the read model threw. */
export const followEvents = async (options: FollowerOptions): Promise<void> => {
  const { connection, readModel, logger, signal } = options;
  while (!signal.aborted) {
    if (await isSameStream(connection, readModel.position, signal)) await followUntilReplaced(options);
    else {
      logger.warn('the event stream is another one: the read model is built again', {
        applied: readModel.position.streamSequence,
      });
      readModel.reset();
    }
  }
};

const followUntilReplaced = async (options: FollowerOptions): Promise<void> => {
  const { connection, readModel, logger, signal } = options;
  const replaced = new AbortController();
  const ended = AbortSignal.any([signal, replaced.signal]);
  const end = (): void => replaced.abort();
  const following = followStream(connection, {
    stream: EVENTS,
    filterSubject: filters.allEvents,
    fromSequence: readModel.position.streamSequence + 1,
    signal: ended,
    maxBatch,
    logger,
    handler: (messages, progress) => readModel.apply(messages, progress),
  });
  await Promise.all([following.finally(end), checkIdentity(options, ended).finally(end)]);
};

/** Resolves when the stream is another one, or when `ended` aborts. */
const checkIdentity = async (
  { connection, readModel, identityCheckMs = 5_000 }: FollowerOptions,
  ended: AbortSignal,
): Promise<void> => {
  do await pause(identityCheckMs, ended);
  while (!ended.aborted && (await isSameStream(connection, readModel.position, ended)));
};

/** Waits for a stream that cannot be reached. True when `signal` aborts meanwhile. */
const isSameStream = async (
  connection: Connection,
  position: Position,
  signal: AbortSignal,
): Promise<boolean> => {
  while (!signal.aborted) {
    try {
      return await hasApplied(connection, position);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      await pause(retryDelayMs, signal);
    }
  }
  return true;
};

const hasApplied = async (connection: Connection, position: Position): Promise<boolean> => {
  if (position.streamSequence === 0) return true;
  const applied = await getMessage(connection, EVENTS, position.streamSequence);
  if (applied !== undefined)
    return applied.storedAt === position.storedAt && applied.subject === position.subject;
  // Gone: dropped by the stream's limits, which leaves something behind it, or never there.
  const last = await readLast(connection, EVENTS, filters.allEvents);
  return last !== undefined && last.sequence > position.streamSequence;
};

/** Resolves after the time, or when `signal` aborts. */
const pause = (delayMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal.addEventListener('abort', end);
  });
