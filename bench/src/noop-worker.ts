/** A step-worker whose `agent.run` does nothing at all: the loop is the real one, the executor is not. */
import { createExecutorRegistry } from '@signalbox/executors';
import { createPublisher, openConnection } from '@signalbox/messaging';
import { busUsers, consumers } from '@signalbox/protocol';
import { busAccessOf, busSettings, parseSettings, runService, settings } from '@signalbox/service';
import { runSteps } from '@signalbox/step-runner';

const noop = { action: 'agent.run', execute: async () => ({ ok: true, output: {} }) as const };

await runService({
  name: 'noop-worker',
  parseConfig: (env) => {
    const { workspace, workerConcurrency, logLevel } = settings;
    const parsed = parseSettings({ ...busSettings, workspace, workerConcurrency, logLevel }, env);
    return { ...parsed, bus: busAccessOf(parsed) };
  },
  start: async ({ config, logger, scope, signal, fail }) => {
    const connection = scope.use(
      await openConnection({
        ...config.bus,
        inboxPrefix: busUsers.stepWorker.inboxPrefix,
        apiPrefix: busUsers.stepWorker.apiPrefix,
        name: 'noop-worker',
        logger,
        signal,
      }),
    );
    const consumer = consumers.stepWorker;
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
