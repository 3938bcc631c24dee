/** Opens the log beside the database: alone on the bus, of one installation, with all streams and consumers there. */
import { randomUUID } from 'node:crypto';
import { type Connection, keepProvisioned } from '@signalbox/messaging';
import {
  type ConsumerDeclaration,
  describeStream,
  type StreamSettings,
  streamDeclarations,
} from '@signalbox/protocol';
import type { Starlark } from '@signalbox/starlark-wasm';
import type { Logger } from '@signalbox/telemetry';
import type { OpenDatabase } from '../store/database.js';
import { readInstallationId, settleInstallation } from './installation.js';
import { LogKeeper } from './log-keeper.js';
import { openPresence } from './presence.js';

export interface OpenLogOptions {
  readonly connection: Connection;
  readonly database: OpenDatabase;
  readonly streams: StreamSettings;
  readonly consumers: readonly ConsumerDeclaration[];
  readonly starlark: Starlark;
  readonly startedAt: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly fail: (cause: unknown) => void;
}

/** Resolves when database and log say the same. @throws CannotRun */
export const openLog = async (options: OpenLogOptions): Promise<LogKeeper> => {
  const { connection, database, startedAt, signal, logger, fail, consumers } = options;
  const presence = await openPresence({
    connection,
    installationId: readInstallationId(database.sql) ?? 'that has no id yet',
    instanceId: randomUUID(),
    startedAt,
    signal,
  });
  const installationId = await settleInstallation(connection, database);
  const description = describeStream({ installationId, isWhole: false });
  const streams = streamDeclarations(options.streams, description);
  const provisioned = await keepProvisioned(connection, { streams, consumers }, { signal, logger });
  provisioned.done.catch(fail);
  const keeper = new LogKeeper({ ...options, installationId, presence });
  await keeper.align();
  return keeper;
};
