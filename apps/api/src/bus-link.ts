/** The api's side of the bus: connects, publishes commands, follows the events. */
import {
  type Connection,
  createPublisher,
  openConnection,
  type Publisher,
  subscribeLive,
  textOf,
} from '@signalbox/messaging';
import { busUsers, figuresSubjects } from '@signalbox/protocol';
import type { BusAccess } from '@signalbox/service';
import type { Logger } from '@signalbox/telemetry';
import { followEvents } from './read-model/follower.js';
import type { ReadModel } from './read-model/read-model.js';

export interface BusLinkOptions {
  readonly bus: BusAccess;
  readonly logger: Logger;
  readonly readModel: ReadModel;
  /** Given the publisher as soon as there is one. */
  readonly attachPublisher: (publisher: Publisher) => void;
  /** Given what the orchestrator says of itself. */
  readonly hearFigures: (text: string) => void;
  /** Ends the wait for a server that is not there. */
  readonly signal: AbortSignal;
  /** Ends the process. */
  readonly fail: (error: unknown) => void;
}

export interface BusLink {
  readonly isConnected: boolean;
  /** Resolves when the batch at work is applied and the connection is closed. */
  close(): Promise<void>;
}

const { name, inboxPrefix } = busUsers.api;

/** Longer than a cluster needs to elect a leader; what is not queued by then is answered with 503. */
const publishDeadlineMs = 10_000;

/** Returns at once and goes on in the background, however long the server stays away. */
export const startBusLink = (options: BusLinkOptions): BusLink => {
  const { bus, logger, readModel } = options;
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  let connection: Connection | undefined;
  let publisher: Publisher | undefined;
  const run = async (): Promise<void> => {
    connection = await openConnection({ ...bus, name, inboxPrefix, logger, signal });
    publisher = createPublisher(connection, { deadlineMs: publishDeadlineMs });
    options.attachPublisher(publisher);
    subscribeLive(connection, figuresSubjects.orchestrator, (said) => options.hearFigures(textOf(said).text));
    await followEvents({ connection, readModel, logger, signal });
  };
  const done = run().catch((error: unknown) => {
    // What was waiting rejects with the reason of the shutdown.
    if (!signal.aborted) options.fail(error);
  });
  return {
    get isConnected() {
      return connection?.status === 'connected';
    },
    close: async () => {
      stopping.abort();
      await done;
      publisher?.close();
      await connection?.close();
    },
  };
};
