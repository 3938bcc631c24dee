/** The api: builds a read model from the event stream, answers reads from it, and turns writes into commands. */
import { once } from 'node:events';
import {
  isStoreFailure,
  openDataFolder,
  protectDatabase,
  startCheckpoints,
  storeFailureOf,
  takeLock,
} from '@signalbox/data-folder';
import { runService, type ServiceContext } from '@signalbox/service';
import { CheckThreads } from '@signalbox/validation';
import { startBusLink } from './bus-link.js';
import { createCommandOutlet } from './commands/command-outlet.js';
import { Confirmations } from './commands/confirmations.js';
import { createStartListener } from './commands/heard-starts.js';
import { createSubmit } from './commands/submit.js';
import { UnconfirmedCommands } from './commands/unconfirmed-commands.js';
import { type ApiConfig, parseConfig } from './config.js';
import { createDefinitionValidator } from './definition-validator.js';
import { createApp } from './http/app.js';
import { listen } from './http/server.js';
import { Turns } from './http/turns.js';
import { HeardFigures } from './orchestrator-figures.js';
import { openReadModel } from './read-model/read-model.js';
import { RunFeed } from './run-feed.js';

/** A second's worth of the largest definitions, and thousands of small ones. */
const maxWaitingValidations = 16;

const start = async ({ config, logger, scope, signal, fail, waitFor }: ServiceContext<ApiConfig>) => {
  const { workspace } = config;
  openDataFolder(config.dataDir);
  scope.use(
    takeLock(
      `${protectDatabase(config.apiDatabase)}.lock`,
      `another api has the read model ${config.apiDatabase}`,
    ),
  );
  const confirmations = new Confirmations(config.confirmationTimeoutMs);
  const outlet = createCommandOutlet();
  const commands = scope.use(new UnconfirmedCommands(outlet, fail));
  const feed = new RunFeed();
  const readModel = scope.use(
    openReadModel({
      database: config.apiDatabase,
      workspace,
      confirmations: {
        tell: (outcomes) => {
          confirmations.tell(outcomes);
          commands.confirm(outcomes.keys());
        },
      },
      feed,
      onContradiction: (what) => logger.error('the log contradicts itself', { what }),
      fail,
    }),
  );
  scope.use(startCheckpoints(config.apiDatabase));
  const turns = scope.use(new Turns());
  const figures = new HeardFigures(logger);
  const link = scope.use(
    startBusLink({
      bus: config.bus,
      logger,
      readModel,
      isAwaited: () => confirmations.waitingCount > 0,
      onHeard: createStartListener(workspace, confirmations, readModel),
      attachPublisher: outlet.attach,
      onDisconnect: () => commands.onDisconnect(),
      onReconnect: () => commands.onReconnect(),
      hearFigures: (text) => figures.hear(text),
      signal,
      fail,
    }),
  );
  const checks = scope.use(new CheckThreads({ maxWaiting: maxWaitingValidations }));
  const app = createApp({
    workspace,
    readModel,
    submit: createSubmit(commands, confirmations),
    feed,
    validator: createDefinitionValidator(checks, readModel),
    busProblem: () => link.problem,
    problem: () => figures.problem,
    metrics: () => figures.metrics(),
    onInternalError: (error, path) => {
      logger.error('a request failed', { error, path });
      // No other request will fare better.
      if (isStoreFailure(error)) fail(error);
    },
    turns,
    heartbeatMs: config.streamHeartbeatMs,
    maxStreamCount: config.maxStreamCount,
  });
  const server = scope.use(await listen(app.fetch, config.apiHost, config.apiPort), async (opened) => {
    const closed = opened.close();
    // Event streams and writes that wait would hold the close up until their own end.
    feed.close();
    confirmations.close();
    await closed;
  });
  logger.info('listening', { url: server.url });
  await waitFor(
    () => (link.problem === undefined ? 'what the log held at the start' : 'nats-server'),
    Promise.race([readModel.caughtUp, once(signal, 'abort')]),
  );
  return { url: server.url, port: server.port };
};

await runService({
  name: 'api',
  parseConfig,
  start,
  explain: (error, { apiDatabase }) =>
    storeFailureOf(error, {
      file: apiDatabase,
      whenDamaged: 'delete it (and the files -wal and -shm beside it); the api builds it again from the log',
    }),
});
