/**
 * Keeps the read model on the stream.
 *
 * 1. Before following, and now and then while following, it asks whether the stream is the one that the read model was
 *    built from: of the same id, not ending before the last applied message, and with that very message in
 *    its place (unless it is gone by age). Another stream, or one that has lost its end (also where it has grown again
 *    since), means building again from its first message.
 * 2. Where the stream's limits have dropped what was not read yet, the read model may not say of a run that had not ended
 *    what it knew last: it forgets these runs. What is open is told by the log again, and all of that is in it.
 * 3. While a log that was lost is being published again, the stream says so: it is read, and is not caught up with.
 * 4. A large batch is applied a part at a time, and between two parts requests are answered.
 * 5. What the read model throws is nobody's to handle: it ends the process.
 */
import {
  type Connection,
  type FollowEnd,
  followStream,
  getMessage,
  pause,
  readStreamFacts,
  TransientError,
} from '@signalbox/messaging';
import { EVENTS, filters, readStreamIdentity } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { HeardEvent } from '../commands/heard-starts.js';
import { applyInTurns } from './apply-in-turns.js';
import type { Position } from './projection-statements.js';
import type { ReadModel } from './read-model.js';

export interface FollowerOptions {
  readonly connection: Connection;
  readonly readModel: ReadModel;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Whether somebody waits for the event of a command. */
  readonly isAwaited?: () => boolean;
  /** Told of an event as soon as it is known to be on the log, and where; it is applied later. */
  readonly onHeard?: (message: HeardEvent, sequence: number) => void;
  /** Between two looks at the stream. Default 5 s. */
  readonly identityCheckMs?: number;
}

const maxBatch = 1_000;
const retryDelayMs = 250;
/** Between two looks at a stream that is being restored. */
const restoringCheckMs = 500;

/** Resolves when `signal` aborts; rejects with what the read model threw. */
export const followEvents = async (options: FollowerOptions): Promise<void> => {
  const { connection, readModel, logger, signal } = options;
  while (!signal.aborted) {
    const found = await untilReached(() => identify(connection, readModel.position), signal);
    if (signal.aborted) return;
    let end: FollowEnd = 'rewound';
    if (found !== undefined) {
      readModel.bind(found.id);
      passOverDropped(options, found.firstSequence);
      if (!found.isWhole) readModel.fallBehind();
      end = await followUntilChanged(options, found.isWhole);
    }
    if (end === 'aborted') continue;
    logger.warn('the event stream is another one: the read model is built again', {
      applied: readModel.position.streamSequence,
    });
    readModel.reset();
  }
};

/** What lies before the stream's first message will never be read. */
const passOverDropped = ({ readModel, logger }: FollowerOptions, firstSequence: number): void => {
  const { streamSequence: applied } = readModel.position;
  if (applied === 0 || firstSequence <= applied + 1) return;
  const count = readModel.passOver(firstSequence - 1);
  logger.warn(
    'the log has dropped events that were not read: runs that had not ended are forgotten, and come again while they are open',
    { applied, first_sequence: firstSequence, run_count: count },
  );
};

/** Until the stream is another one, or says something else about itself. */
const followUntilChanged = async (options: FollowerOptions, isWhole: boolean): Promise<FollowEnd> => {
  const { connection, readModel, logger, signal, isAwaited = () => false, onHeard } = options;
  const changed = new AbortController();
  const ended = AbortSignal.any([signal, changed.signal]);
  const end = (): void => changed.abort();
  const following = followStream(connection, {
    stream: EVENTS,
    filterSubject: filters.allEvents,
    liveSubject: filters.allEvents,
    fromSequence: readModel.position.streamSequence + 1,
    ...handledBefore(readModel.position),
    signal: ended,
    maxBatch,
    isAwaited,
    ...(onHeard === undefined ? {} : { onNumbered: onHeard }),
    logger,
    handler: async (messages, { caughtUp }) => {
      if (await isCutOff(options, messages)) end();
      else await applyInTurns(readModel, messages, { caughtUp: caughtUp && isWhole });
    },
  });
  const checking = checkIdentity(options, isWhole, ended).finally(end);
  const [followed] = await Promise.all([following.finally(end), checking]);
  return followed;
};

/**
 * Whether the limits have dropped something since the last message: nobody else leaves numbers out, but where the store is
 * damaged, and that the orchestrator mends.
 */
const isCutOff = async (
  { connection, readModel, signal }: FollowerOptions,
  messages: readonly { readonly sequence: number }[],
): Promise<boolean> => {
  const applied = readModel.position.streamSequence;
  const next = applied === 0 ? (messages[0]?.sequence ?? 0) : applied + 1;
  const gap = messages.findIndex(({ sequence }, index) => sequence !== next + index);
  if (gap === -1) return false;
  const facts = await untilReached(() => readStreamFacts(connection, EVENTS), signal);
  return facts === undefined || facts.firstSequence > next + gap;
};

const handledBefore = ({ streamSequence: sequence, storedAt, subject }: Position) =>
  storedAt === null || subject === null ? {} : { handled: { sequence, storedAt, subject } };

/** Resolves when the stream is another one or says something else about itself, or when `ended` aborts. */
const checkIdentity = async (
  { connection, readModel, identityCheckMs = 5_000 }: FollowerOptions,
  isWhole: boolean,
  ended: AbortSignal,
): Promise<void> => {
  while (!ended.aborted) {
    await pause(isWhole ? identityCheckMs : Math.min(identityCheckMs, restoringCheckMs), ended);
    const found = await untilReached(() => identify(connection, readModel.position), ended);
    if (found?.isWhole !== isWhole) return;
  }
};

/** Asks again while the stream cannot be reached; undefined when `signal` aborts meanwhile. */
const untilReached = async <T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> => {
  while (!signal.aborted) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      await pause(retryDelayMs, signal);
    }
  }
  return undefined;
};

interface FoundStream {
  readonly id: string;
  readonly firstSequence: number;
  readonly isWhole: boolean;
}

/** Undefined when it is not the stream that the position is in. */
const identify = async (connection: Connection, position: Position): Promise<FoundStream | undefined> => {
  const { id, firstSequence, lastSequence, description } = await readStreamFacts(connection, EVENTS);
  const found = { id, firstSequence, isWhole: readStreamIdentity(description)?.isWhole ?? true };
  const { streamId, streamSequence, storedAt, subject } = position;
  if (streamSequence === 0) return found;
  if (id !== streamId || lastSequence < streamSequence) return undefined;
  const applied = await getMessage(connection, EVENTS, streamSequence);
  // Gone by the stream's limits: nothing says that it is another one.
  if (applied === undefined) return found;
  const isStoredThen = storedAt === null || applied.storedAt === storedAt;
  return isStoredThen && applied.subject === subject ? found : undefined;
};
