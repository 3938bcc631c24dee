/** The api's side of the bus: connects, publishes commands, follows the events. */
import {
  type Connection,
  createPublisher,
  findStreamFacts,
  onDisconnect,
  onReconnect,
  openConnection,
  type Publisher,
  pause,
  subscribeLive,
  TransientError,
  textOf,
} from '@signalbox/messaging';
import { busUsers, EVENTS, figuresSubjects } from '@signalbox/protocol';
import type { BusAccess } from '@signalbox/service';
import type { Logger } from '@signalbox/telemetry';
import type { HeardEvent } from './commands/heard-starts.js';
import { followEvents } from './read-model/follower.js';
import type { ReadModel } from './read-model/read-model.js';

export interface BusLinkOptions {
  readonly bus: BusAccess;
  readonly logger: Logger;
  readonly readModel: ReadModel;
  /** Whether somebody waits for the event of a command. */
  readonly isAwaited: () => boolean;
  /** Told of an event as soon as it is known to be on the log, and where. */
  readonly onHeard: (message: HeardEvent, sequence: number) => void;
  /** Given the publisher as soon as there is one. */
  readonly attachPublisher: (publisher: Pick<Publisher, 'publish'>) => void;
  readonly onDisconnect: () => void;
  /** Called whenever a connection that was lost is there again, before anything is sent on it. */
  readonly onReconnect: () => void;
  /** Given what the orchestrator says of itself. */
  readonly hearFigures: (text: string) => void;
  /** Ends the wait for a server that is not there. */
  readonly signal: AbortSignal;
  /** Ends the process. */
  readonly fail: (error: unknown) => void;
}

export interface BusLink {
  /** Undefined while it is connected, and the server has answered lately and refused nothing: one with a full disk, or without its folder, keeps its connections and stores nothing. */
  readonly problem: string | undefined;
  /** Resolves when the batch at work is applied and the connection is closed. */
  close(): Promise<void>;
}

const { name, inboxPrefix, apiPrefix } = busUsers.api;

/**
 * Without a majority a cluster keeps its connections and stores nothing. nats-server 2.9.10 does the same after its disk
 * was full, until it is restarted, and says nothing of it.
 */
const unanswered =
  'nats-server does not answer, or does not store what it is given. Either a majority of the servers of its cluster is missing: start them again (docs/operations/nats-users.md). Or its disk is or was full: make room and restart it (docs/operations/disk-full.md)';
const noConnection = (reason: string | undefined): string =>
  `There is no connection to nats-server${reason === undefined ? '' : ` (${reason})`}: is it up, and does it know the user, password and certificates of the api? (docs/operations/nats-users.md)`;

/** Longer than a cluster needs to elect a leader; what is not queued by then is answered with 503. */
const publishDeadlineMs = 10_000;

const askEveryMs = 1_000;
const maxSilenceMs = 5_000;
/** So long nobody is sent here after a message was refused; then the next one shows whether that goes on. */
const maxRefusalMs = 10_000;

const keepAsking = async (
  connection: Connection,
  signal: AbortSignal,
  onAnswer: () => void,
): Promise<void> => {
  for (; !signal.aborted; await pause(askEveryMs, signal)) {
    try {
      await findStreamFacts(connection, EVENTS);
      onAnswer();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
    }
  }
};

/** Tells of each message whether the server has taken it. */
const noting = (publisher: Publisher, tell: (isTaken: boolean) => void): Pick<Publisher, 'publish'> => ({
  publish: async (message) => {
    try {
      const outcome = await publisher.publish(message);
      tell(true);
      return outcome;
    } catch (error) {
      if (error instanceof TransientError) tell(false);
      throw error;
    }
  },
});

/** Returns at once and goes on in the background, however long the server stays away. */
export const startBusLink = (options: BusLinkOptions): BusLink => {
  const { bus, logger, readModel, isAwaited, onHeard } = options;
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  let connection: Connection | undefined;
  let publisher: Publisher | undefined;
  let waitReason: string | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;
  let refusedAt = Number.NEGATIVE_INFINITY;
  const run = async (): Promise<void> => {
    connection = await openConnection({
      ...bus,
      name,
      inboxPrefix,
      apiPrefix,
      logger,
      signal,
      onWaiting: (_error, reason) => {
        waitReason = reason;
      },
    });
    answeredAt = performance.now();
    onDisconnect(connection, options.onDisconnect);
    onReconnect(connection, options.onReconnect);
    publisher = createPublisher(connection, { deadlineMs: publishDeadlineMs });
    options.attachPublisher(
      noting(publisher, (isTaken) => {
        refusedAt = isTaken ? Number.NEGATIVE_INFINITY : performance.now();
      }),
    );
    subscribeLive(connection, figuresSubjects.orchestrator, (said) => options.hearFigures(textOf(said).text));
    await Promise.all([
      followEvents({ connection, readModel, logger, signal, isAwaited, onHeard }),
      keepAsking(connection, signal, () => {
        answeredAt = performance.now();
      }),
    ]);
  };
  const done = run().catch((error: unknown) => {
    // What was waiting rejects with the reason of the shutdown.
    if (!signal.aborted) options.fail(error);
  });
  return {
    get problem() {
      if (connection === undefined) return noConnection(waitReason);
      if (connection.status !== 'connected') return noConnection(connection.lossReason);
      const silenceMs = Math.max(performance.now() - answeredAt, publisher?.longestWaitMs ?? 0);
      const isRefused = performance.now() - refusedAt <= maxRefusalMs;
      return silenceMs <= maxSilenceMs && !isRefused ? undefined : unanswered;
    },
    close: async () => {
      stopping.abort();
      await done;
      publisher?.close();
      await connection?.close();
    },
  };
};
