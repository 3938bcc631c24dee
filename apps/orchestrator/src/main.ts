import { consumeBatches, createPublisher, keepProvisioned, openConnection } from '@signalbox/messaging';
import { consumers, streamDeclarations } from '@signalbox/protocol';
import { runService } from '@signalbox/service';
import { createStarlark } from '@signalbox/starlark-wasm';
import { systemClock } from './clock.js';
import { parseConfig } from './config.js';
import { createOrchestrator } from './orchestrator.js';
import { followPoison } from './poison.js';
import { openDatabase } from './store/database.js';
import { followStranded } from './stranded.js';
import { withdrawTask } from './withdraw-task.js';

const maxBatch = 500;

await runService({
  name: 'orchestrator',
  parseConfig,
  start: async ({ config, logger, scope, signal, fail }) => {
    const clock = systemClock;
    const database = scope.use(openDatabase(config.databaseFile, clock.now()));
    const connection = scope.use(
      await openConnection({ url: config.natsUrl, name: 'orchestrator', logger, signal }),
    );
    const { orchestratorRun, orchestratorResume, orchestratorCatalog, orchestratorDeadLetter } = consumers;
    const own = [orchestratorRun, orchestratorResume, orchestratorCatalog, orchestratorDeadLetter];
    const streams = streamDeclarations(config.streams);
    const provisioned = await keepProvisioned(connection, { streams, consumers: own }, { signal, logger });
    provisioned.done.catch(fail);

    const publisher = createPublisher(connection);
    const { intake, isInFlight, recover } = createOrchestrator({
      database,
      outlet: {
        publishAll: (messages) => publisher.publishAll(messages),
        withdraw: (task, sequence) => withdrawTask(connection, task, sequence),
      },
      maxPayloadBytes: () => connection.maxPayloadBytes,
      starlark: createStarlark(),
      clock,
      logger,
      fail,
    });
    scope.use(intake, () => intake.stop(() => publisher.close()));
    await recover();
    scope.use(followPoison({ connection, intake, clock, logger, fail }));
    scope.use(followStranded({ connection, intake, isInFlight, clock, logger, fail }));
    const consumption = scope.use(
      consumeBatches(connection, {
        logger,
        maxBatch,
        sources: own.map(({ stream, durable }) => ({ stream, durable, maxInFlight: 4 * maxBatch })),
        handler: (deliveries) => intake.handle(deliveries),
      }),
      (running) => running.stop({ graceMs: 5_000 }),
    );
    consumption.done.catch(fail);
    return { database: config.databaseFile };
  },
});
