/**
 * The agent: the step loop inside of somebody else's network. It only dials out, and claims only the tasks of its
 * own workspace, `wf.task.agent.<workspace>.>`.
 */
import { createAgentRunExecutor, createExecutorRegistry } from '@signalbox/executors';
import { createScriptedProvider } from '@signalbox/llm';
import { createPublisher, openConnection } from '@signalbox/messaging';
import { consumers } from '@signalbox/protocol';
import { runService } from '@signalbox/service';
import { createEvaluator, createStarlark } from '@signalbox/starlark-wasm';
import { runSteps } from '@signalbox/step-runner';
import { CheckThreads } from '@signalbox/validation';
import { connectionOptions, parseConfig } from './config.js';

await runService({
  name: 'agent',
  parseConfig,
  start: async ({ config, logger, scope, signal, fail, waitFor }) => {
    const connection = scope.use(
      await waitFor('nats-server', openConnection({ ...connectionOptions(config), logger, signal })),
    );
    const consumer = consumers.agent(config.workspace);

    const evaluator = createEvaluator(createStarlark());
    const providers = [createScriptedProvider(evaluator)];
    const checks = scope.use(new CheckThreads());
    const registry = createExecutorRegistry([createAgentRunExecutor({ evaluator, providers, checks })]);

    const steps = scope.use(
      runSteps({
        connection,
        publisher: scope.use(createPublisher(connection)),
        consumer,
        registry,
        concurrency: config.workerConcurrency,
        workerName: config.workerName,
        workspace: config.workspace,
        logger,
      }),
    );
    steps.done.catch(fail);
    return {
      worker: config.workerName,
      workspace: config.workspace,
      concurrency: config.workerConcurrency,
      actions: registry.actions,
      providers: providers.map((provider) => provider.name),
    };
  },
});
