/** Opens the log beside the database: alone on the bus, of one installation, with all streams and consumers there. */
import { randomUUID } from 'node:crypto';
import { type Connection, fence, keepProvisioned, provision } from '@signalbox/messaging';
import {
  type ConsumerDeclaration,
  describeStream,
  EVENTS,
  readStreamIdentity,
  type StreamSettings,
  streamDeclarations,
} from '@signalbox/protocol';
import type { WaitFor } from '@signalbox/service';
import type { Starlark } from '@signalbox/starlark-wasm';
import type { Logger } from '@signalbox/telemetry';
import type { OpenDatabase } from '../store/database.js';
import { compileAgain } from './compile-again.js';
import {
  isHeldHere,
  noteHolder,
  readInstallationId,
  settleInstallation,
  superseded,
  takeHold,
} from './installation.js';
import { LogKeeper } from './log-keeper.js';
import { openPresence } from './presence.js';
import { untilReached } from './until-reached.js';

export interface OpenLogOptions {
  readonly connection: Connection;
  readonly database: OpenDatabase;
  readonly streams: StreamSettings;
  readonly consumers: readonly ConsumerDeclaration[];
  readonly starlark: Starlark;
  readonly now: () => number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly fail: (cause: unknown) => void;
  readonly waitFor: WaitFor;
  /** Work that may keep this thread busy, done while a question about another orchestrator waits for its answer. */
  readonly whileOthersAreHeard: () => void;
}

/** Resolves when database and log say the same. @throws CannotRun */
export const openLog = async (options: OpenLogOptions): Promise<LogKeeper> => {
  const { connection, database, now, signal, logger, fail, consumers, waitFor } = options;
  const instanceId = randomUUID();
  const presence = await waitFor(
    'an answer whether another orchestrator is there',
    openPresence({
      connection,
      installationId: () => readInstallationId(database.sql),
      instanceId,
      startedAt: now(),
      signal,
    }),
  );
  const settled = presence.settle();
  // An answer may be late: the work below holds this thread.
  const installed = untilReached(() => settleInstallation(connection, database), signal);
  // Both have sent their questions when this turn is over.
  setImmediate(options.whileOthersAreHeard);
  const [installationId] = await Promise.all([
    waitFor('what the streams say of whose they are', installed),
    waitFor('a second answer whether another orchestrator is there', settled),
  ]);
  const holder = { installationId, holder: instanceId };
  const describe = () => describeStream({ ...holder, streamId: randomUUID(), isWhole: false, isCut: false });
  const streams = streamDeclarations(options.streams, describe);
  const provisioned = await waitFor(
    'the streams and consumers to be made',
    keepProvisioned(connection, { streams, consumers }, { signal, logger }),
  );
  provisioned.done.catch(fail);
  noteHolder(database.sql, holder);
  await waitFor(
    'the log to take the name of this process',
    untilReached(() => takeHold(connection, holder), signal),
  );
  fence(connection, {
    stream: EVENTS,
    isOurs: (found) => isHeldHere(database.sql, readStreamIdentity(found)?.holder),
    onLost: () => fail(superseded()),
  });
  const keeper = new LogKeeper({
    ...options,
    holder,
    provision: () => provision(connection, { streams, consumers }, { signal }),
  });
  await keeper.align();
  compileAgain(database.sql, options.starlark, logger);
  return keeper;
};
