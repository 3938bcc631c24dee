import { openDataFolder, startCheckpoints, storeFailureOf, watchSameFile } from '@signalbox/data-folder';
import {
  consumeBatches,
  createPublisher,
  type OutgoingMessage,
  openConnection,
  type PublishOutcome,
  publishLive,
  remakeConsumer,
  TipAnnouncer,
} from '@signalbox/messaging';
import {
  busUsers,
  EVENTS,
  encodeFigures,
  figuresSubjects,
  type OrchestratorFigures,
} from '@signalbox/protocol';
import { CannotRun, runService } from '@signalbox/service';
import { createStarlark, type Starlark } from '@signalbox/starlark-wasm';
import { CheckThreads } from '@signalbox/validation';
import { systemClock } from './clock.js';
import { parseConfig } from './config.js';
import { DurableConsumers } from './durable-consumers.js';
import { followFigures } from './figures.js';
import { followInFlight } from './follow-in-flight.js';
import { openLog } from './log/open-log.js';
import { createOrchestrator } from './orchestrator.js';
import { rowKindOf } from './row-kind.js';
import { openDatabase } from './store/database.js';
import { createTaskQueue, ownConsumers, withdrawTask } from './task-queue.js';
import { followUndelivered } from './undelivered.js';

const { name, inboxPrefix } = busUsers.orchestrator;
const maxBatch = 500;

/** What every message needs besides the texts of users, many times over. */
const leastPayloadBytes = 65_536;

const requirePayload = (bytes: number): void => {
  if (bytes < leastPayloadBytes)
    throw new CannotRun(
      78,
      `nats-server takes messages of at most ${bytes} bytes: set its max_payload to ${leastPayloadBytes} or more (1 MiB for the documented limits)`,
    );
};

const warmUp = (starlark: Starlark): void => {
  const fuel = 1_000_000;
  for (const source of ['True', 'sum(range(1000)) + n', '[n for n in range(1000) if n % 3 == 0]'])
    starlark.evaluateWithin('expression', source, () => 1, fuel);
};

const noteEvents = (
  tips: TipAnnouncer,
  messages: readonly OutgoingMessage[],
  outcomes: readonly PublishOutcome[],
): void => {
  for (const [index, { id, subject }] of messages.entries()) {
    const outcome = outcomes[index];
    if (id !== undefined && outcome?.stream === EVENTS && outcome.sequence !== undefined)
      tips.note({ id, subject, sequence: outcome.sequence });
  }
};

await runService({
  name,
  parseConfig,
  explain: (error, { databaseFile }) =>
    storeFailureOf(error, {
      file: databaseFile,
      whenDamaged:
        'put it aside, and the files -wal and -shm beside it, and make it anew from the log with `signalbox rebuild`, or restore a backup',
    }),
  start: async ({ config, logger, scope, signal, fail, waitFor }) => {
    const clock = systemClock;
    openDataFolder(config.dataDir);
    const database = scope.use(openDatabase(config.databaseFile, clock.now()));
    scope.use(startCheckpoints(database.sql.name));
    scope.use(watchSameFile(database.sql.name, fail));
    const connection = scope.use(
      await waitFor('nats-server', openConnection({ ...config.bus, name, inboxPrefix, logger, signal })),
    );
    requirePayload(connection.maxPayloadBytes);
    const starlark = createStarlark();
    const durables = new DurableConsumers({ connection, workspace: config.workspace, signal, fail });
    const log = scope.use(
      await openLog({
        connection,
        database,
        streams: config.streams,
        consumers: durables.declared,
        starlark,
        now: () => clock.now(),
        logger,
        signal,
        fail,
        waitFor,
        // Its first uses take some tenths of a second: not when a run waits for them.
        whileOthersAreHeard: () => warmUp(starlark),
      }),
    );
    const publisher = createPublisher(connection, { sight: 'number', rowKindOf });
    const tips = new TipAnnouncer(connection);
    const queue = scope.use(createTaskQueue(connection, () => durables.declared));
    const { intake, inFlight, meter, problem, recover, onConsumerRemade } = createOrchestrator({
      database,
      outlet: {
        publishAll: async (messages) => {
          durables.noteSent(messages);
          const outcomes = await publisher.publishAll(messages);
          noteEvents(tips, messages, outcomes);
          return outcomes;
        },
        withdraw: (task, sequence) => withdrawTask(queue, task, sequence),
      },
      queue,
      maxPayloadBytes: () => connection.maxPayloadBytes,
      starlark,
      runLimits: config.runLimits,
      checks: scope.use(new CheckThreads()),
      clock,
      logger,
      tell: () => tips.tell(),
      fail,
    });
    const tell = (figures: OrchestratorFigures): void =>
      publishLive(connection, figuresSubjects.orchestrator, encodeFigures(figures));
    scope.use(
      followFigures({
        meter,
        waiting: () => intake.waiting,
        problem: () => log.problem ?? problem(),
        tell,
        logger,
      }),
    );
    scope.use(intake, () => intake.stop(() => publisher.close()));
    await waitFor('what was left over to be published', recover());
    const following = scope.use(followInFlight({ inFlight, takeIn: () => intake.takeIn(), clock, fail }));
    log.watch(() => following.wake());
    const consumption = scope.use(
      consumeBatches(connection, {
        logger,
        maxBatch,
        sources: ownConsumers.map((consumer) => ({
          stream: consumer.stream,
          durable: consumer.durable,
          maxInFlight: 4 * maxBatch,
          prepare: async () => {
            await remakeConsumer(connection, consumer);
            onConsumerRemade(consumer.durable);
            following.wake();
            return consumer.filterSubject;
          },
        })),
        handler: (deliveries) => intake.handle(deliveries),
      }),
      (running) => running.stop({ graceMs: 5_000 }),
    );
    consumption.done.catch(fail);
    const { sources } = consumption;
    const { next } = queue;
    scope.use(followUndelivered({ consumers: ownConsumers, sources, next, clock, logger, fail }));
    intake.start().catch(fail);
    return { database: config.databaseFile };
  },
});
