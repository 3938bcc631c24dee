/** The step worker: claims `wf.task.step.>` and executes, and beside it `wf.task.evaluate.>`. Stateless; run as many as there is work for. */
import {
  createAgentRunExecutor,
  createEvaluationPool,
  createExecutorRegistry,
  createExpressionExecutor,
} from '@signalbox/executors';
import { createScriptedProvider } from '@signalbox/llm';
import { createPublisher, openConnection } from '@signalbox/messaging';
import { busUsers, consumers } from '@signalbox/protocol';
import { runService } from '@signalbox/service';
import { createEvaluator, createStarlark } from '@signalbox/starlark-wasm';
import { runSteps } from '@signalbox/step-runner';
import { CheckThreads } from '@signalbox/validation';
import { parseConfig } from './config.js';

/** Threads, and claims: however many heavy expressions wait, steps have their own places and the rest of the machine. */
const maxEvaluationsAtOnce = 2;
const { inboxPrefix, apiPrefix } = busUsers.stepWorker;

await runService({
  name: 'step-worker',
  parseConfig,
  start: async ({ config, logger, scope, signal, fail, waitFor }) => {
    const connection = scope.use(
      await waitFor(
        'nats-server',
        openConnection({
          ...config.bus,
          inboxPrefix,
          apiPrefix,
          name: config.workerName,
          logger,
          signal,
        }),
      ),
    );
    const { stepWorker, evaluator: evaluations } = consumers;

    const evaluator = createEvaluator(createStarlark());
    const providers = [createScriptedProvider(evaluator)];
    const checks = scope.use(new CheckThreads());
    const pool = scope.use(createEvaluationPool(maxEvaluationsAtOnce), (open) => open.close());
    const registry = createExecutorRegistry([createAgentRunExecutor({ evaluator, providers, checks })]);

    const { workerName, workspace, workerConcurrency } = config;
    const publisher = scope.use(createPublisher(connection));
    const claiming = { connection, publisher, workerName, workspace, logger };
    const lanes = [
      { consumer: stepWorker, registry, concurrency: workerConcurrency },
      {
        consumer: evaluations,
        registry: createExecutorRegistry([createExpressionExecutor(pool)]),
        concurrency: maxEvaluationsAtOnce,
      },
    ];
    const runs = lanes.map((lane) => runSteps({ ...claiming, ...lane }));
    // Together: while one of them waits for its last step, the others must not begin any.
    scope.use(runs, () => Promise.all(runs.map((run) => run.stop())));
    for (const { done } of runs) done.catch(fail);
    return {
      worker: config.workerName,
      concurrency: config.workerConcurrency,
      actions: lanes.flatMap((lane) => lane.registry.actions),
      providers: providers.map((provider) => provider.name),
    };
  },
});
