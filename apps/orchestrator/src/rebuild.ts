/** Makes the orchestrator's database from the log, and ends. `signalbox rebuild` runs this. */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { storeFailureOf } from '@signalbox/data-folder';
import { type EmbeddedNats, issueLogins, NatsServerError, startEmbeddedNats } from '@signalbox/embedded-nats';
import { openConnection } from '@signalbox/messaging';
import { busUsers } from '@signalbox/protocol';
import { CannotRun, Scope, SettingsError } from '@signalbox/service';
import { createStarlark } from '@signalbox/starlark-wasm';
import { createLogger } from '@signalbox/telemetry';
import { systemClock } from './clock.js';
import { parseConfig } from './config.js';
import { openPresence } from './log/presence.js';
import { rebuildDatabase } from './log/rebuild-database.js';
import { lockDatabase } from './store/database.js';

const exitCodeOfUnknown = 70;
const exitCodeOfSetting = 78;

const rebuild = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      force: { type: 'boolean', default: false },
      /** Store of a nats-server that is started for this; without it the one of the settings is used. */
      'nats-store': { type: 'string' },
      'nats-server': { type: 'string' },
    },
  });
  const config = parseConfig(process.env);
  const logger = createLogger({ service: 'rebuild', level: config.logLevel });
  const scope = new Scope();
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const { signal } = interrupted;
  const now = systemClock.now();
  try {
    const { file } = scope.use(lockDatabase(config.databaseFile));
    const server = values['nats-store'];
    const nats = server === undefined ? undefined : await startNats(server, values['nats-server']);
    if (nats !== undefined) scope.use(nats, () => nats.stop());
    const { name, inboxPrefix } = busUsers.orchestrator;
    const bus = nats === undefined ? config.bus : { url: nats.url };
    const connection = scope.use(await openConnection({ ...bus, name, inboxPrefix, logger, signal }));
    const presence = scope.use(
      await openPresence({
        connection,
        installationId: () => 'being rebuilt',
        instanceId: randomUUID(),
        startedAt: now,
        signal,
      }),
    );
    await presence.settle();
    const starlark = createStarlark();
    const { force } = values;
    const whenDamaged =
      '`signalbox rebuild --force` moves it aside and makes a new one from the log; nothing was changed';
    const rebuilt = await rebuildDatabase({ connection, file, force, starlark, now, logger, signal }).catch(
      (error: unknown) => {
        throw storeFailureOf(error, { file, whenDamaged }) ?? error;
      },
    );
    const { runCount, eventCount, unreadableCount, withdrawnTaskCount, movedTo } = rebuilt;
    if (movedTo !== undefined) process.stdout.write(`moved the old database to ${movedTo}\n`);
    process.stdout.write(
      `made ${file} from the log: ${runCount} runs, ${eventCount} events; ${withdrawnTaskCount} tasks were taken back and are sent again when the orchestrator starts\n`,
    );
    if (unreadableCount > 0)
      process.stdout.write(`passed over ${unreadableCount} messages of the log that cannot be read\n`);
  } catch (error) {
    if (signal.aborted && error === signal.reason)
      throw new CannotRun(75, 'interrupted before the end; nothing was changed', { cause: error });
    throw error;
  } finally {
    await scope.close();
  }
};

/** With the account that the streams are in. */
const startNats = (storeDir: string, binary: string | undefined): Promise<EmbeddedNats> => {
  const { orchestrator } = busUsers;
  const access = { logins: issueLogins([orchestrator]), anonymous: orchestrator.name };
  return startEmbeddedNats({ storeDir, ...access, ...(binary === undefined ? {} : { binary }) });
};

const endOf = (error: unknown): { readonly text: string; readonly exitCode: number } => {
  if (error instanceof CannotRun) return { text: error.message, exitCode: error.exitCode };
  if (error instanceof SettingsError || error instanceof NatsServerError)
    return { text: error.message, exitCode: exitCodeOfSetting };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text, exitCode: exitCodeOfUnknown };
};

// What it makes is for its owner alone.
process.umask(0o077);
try {
  await rebuild();
} catch (error) {
  const { text, exitCode } = endOf(error);
  process.stderr.write(`signalbox: ${text}\n`);
  process.exitCode = exitCode;
}
