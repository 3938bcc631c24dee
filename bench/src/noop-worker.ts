/** A step-worker whose `agent.run` does nothing at all: the loop is the real one, the executor is not. */
import { createExecutorRegistry } from '@signalbox/executors';
import { createPublisher, openConnection, provision } from '@signalbox/messaging';
import { consumers, streamDeclarations } from '@signalbox/protocol';
import { parseSettings, runService, settings } from '@signalbox/service';
import { runSteps } from '@signalbox/step-runner';

const noop = { action: 'agent.run', execute: async () => ({ ok: true, output: {} }) as const };

await runService({
  name: 'noop-worker',
  parseConfig: (env) => {
    const { natsUrl, workspace, workerConcurrency, logLevel } = settings;
    return parseSettings({ natsUrl, workspace, workerConcurrency, logLevel }, env);
  },
  start: async ({ config, logger, scope, signal, fail }) => {
    const connection = scope.use(
      await openConnection({ url: config.natsUrl, name: 'noop-worker', logger, signal }),
    );
    const consumer = consumers.stepWorker;
    await provision(connection, { streams: streamDeclarations(), consumers: [consumer] }, { signal });
    const steps = scope.use(
      runSteps({
        connection,
        publisher: scope.use(createPublisher(connection)),
        consumer,
        registry: createExecutorRegistry([noop]),
        concurrency: config.workerConcurrency,
        workerName: 'noop-worker',
        workspace: config.workspace,
        logger,
      }),
    );
    steps.done.catch(fail);
    return { worker: 'noop-worker' };
  },
});
