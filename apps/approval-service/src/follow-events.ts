/**
 * Keeps the book of approvals and the teams as the event stream says. Two reads, because a consumer has one filter.
 * Both begin with the first event: a restarted service knows what the one before knew. They begin anew when the
 * stream has been made anew, whose sequences start over, has lost its end, and when a log that was lost is there again;
 * applying an event again changes nothing.
 */
import {
  type Connection,
  type FollowEnd,
  followStream,
  pause,
  readStreamFacts,
  type StoredMessage,
  TransientError,
  textOf,
} from '@signalbox/messaging';
import {
  ContractError,
  decodeEvent,
  EVENTS,
  type EventEnvelope,
  filters,
  readStreamIdentity,
} from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';

export interface EventFollower {
  /** Resolves when everything that was stored at the start has been applied; rejects when `signal` aborts before. */
  readonly caughtUp: Promise<void>;
  /** Resolves after the signal has aborted; rejects with a defect. */
  readonly done: Promise<void>;
}

export interface FollowEventsOptions {
  readonly connection: Connection;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly onApprovalEvent: (envelope: EventEnvelope) => void;
  readonly onCatalogEvent: (envelope: EventEnvelope) => void;
}

const recheckMs = 2_000;
/** While a log is being restored, somebody waits for its end. */
const restoringRecheckMs = 250;

export const followEvents = (options: FollowEventsOptions): EventFollower => {
  const reads = [
    follow(filters.allApprovalEvents, options.onApprovalEvent, options),
    follow(filters.allCatalogEvents, options.onCatalogEvent, options),
  ];
  return {
    caughtUp: Promise.all(reads.map((read) => read.caughtUp)).then(() => undefined),
    done: Promise.all(reads.map((read) => read.done)).then(() => undefined),
  };
};

const follow = (
  filterSubject: string,
  apply: (envelope: EventEnvelope) => void,
  { connection, signal, logger }: FollowEventsOptions,
): EventFollower => {
  let onCaughtUp = (): void => undefined;
  const allApplied = new Promise<void>((resolve) => {
    onCaughtUp = resolve;
  });
  const followOnce = (lifeSignal: AbortSignal, isWhole: boolean): Promise<FollowEnd> =>
    followStream(connection, {
      stream: EVENTS,
      filterSubject,
      fromSequence: 1,
      signal: lifeSignal,
      maxBatch: 500,
      logger,
      handler: (messages, { caughtUp }) => {
        for (const message of messages) {
          const envelope = decode(message, logger);
          if (envelope !== undefined) apply(envelope);
        }
        if (caughtUp && isWhole) onCaughtUp();
      },
    });
  const done = followEachLife(connection, followOnce, signal);
  const ended = done.then(() => {
    throw signal.reason;
  });
  return { caughtUp: Promise.race([allApplied, ended]), done };
};

/** Runs `followOnce` for each life of the stream, until `signal` aborts. */
const followEachLife = async (
  connection: Connection,
  followOnce: (lifeSignal: AbortSignal, isWhole: boolean) => Promise<FollowEnd>,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    const life = new AbortController();
    const stream = await streamOf(connection, signal);
    if (stream === undefined) return;
    const lifeSignal = AbortSignal.any([signal, life.signal]);
    const end = (): void => life.abort();
    await Promise.all([
      followOnce(lifeSignal, stream.isWhole).finally(end),
      untilChanged(connection, stream, lifeSignal).finally(end),
    ]);
  }
};

interface StreamNow {
  readonly id: string;
  /** False while a log that was lost is being published again. */
  readonly isWhole: boolean;
}

const untilChanged = async (connection: Connection, known: StreamNow, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    await pause(known.isWhole ? recheckMs : restoringRecheckMs, signal);
    const stream = await streamOf(connection, signal);
    if (stream?.id !== known.id || stream.isWhole !== known.isWhole) return;
  }
};

/** Waits for a stream that is away; undefined once the signal has aborted. */
const streamOf = async (connection: Connection, signal: AbortSignal): Promise<StreamNow | undefined> => {
  while (!signal.aborted) {
    try {
      const { id, description } = await readStreamFacts(connection, EVENTS);
      return { id, isWhole: readStreamIdentity(description)?.isWhole ?? true };
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      await pause(recheckMs, signal);
    }
  }
  return undefined;
};

/** An event of a newer version cannot be told here; what it says about an approval, the orchestrator checks again. */
const decode = (message: StoredMessage, logger: Logger): EventEnvelope | undefined => {
  try {
    return decodeEvent(textOf(message));
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    logger.warn('an event cannot be read and is passed over', { subject: message.subject, error });
    return undefined;
  }
};
