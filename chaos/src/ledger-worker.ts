/**
 * A step worker whose `agent.run` has a side effect that can be counted: the loop is the platform's own, the executor
 * appends the begin and the end of each execution to a file that nothing of the platform reads or writes.
 *
 * The step's variables say what is done: `ms` (how long it takes), `fail` (how many first attempts fail), `fatal`, and
 * `lie`: a worker that was started with CHAOS_LIE=size then reports far more than anybody may; with CHAOS_LIE=time its
 * clock is absurd.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createEvaluationPool,
  createExecutorRegistry,
  createExpressionExecutor,
  type Execution,
  type ExecutorRegistry,
  type StepExecutor,
} from '@signalbox/executors';
import { createPublisher, type OutgoingMessage, openConnection, type Publisher } from '@signalbox/messaging';
import { busUsers, consumers, type StepTask } from '@signalbox/protocol';
import { busAccessOf, busSettings, parseSettings, runService, settings } from '@signalbox/service';
import { runSteps } from '@signalbox/step-runner';
import type { LedgerLine } from './ledger.js';

const required = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

const file = required('CHAOS_LEDGER');
const workerName = required('CHAOS_WORKER');
const target = required('CHAOS_TARGET');
const maxEvaluationsAtOnce = 2;
const lie = process.env.CHAOS_LIE;
/** The last instant that a JavaScript date can hold is 8.64e15. */
const absurdAt = 9e15;

/** One write with O_APPEND, so that lines of several processes never mix. */
const note = (line: LedgerLine): void => appendFileSync(file, `${JSON.stringify(line)}\n`, { flag: 'a' });

interface Order {
  readonly ms?: number;
  readonly fail?: number;
  readonly fatal?: boolean;
  readonly lie?: boolean;
}

const orderOf = (task: StepTask): Order =>
  ((task.input as { readonly variables?: Order } | null)?.variables ?? {}) as Order;

const outcomeOf = (order: Order, attempt: number): Execution => {
  if (order.fatal !== true && attempt > (order.fail ?? 0)) return { ok: true, output: { attempt } };
  const retryable = order.fatal !== true;
  return { ok: false, error: { code: 'AGENT_ERROR', message: 'ordered to fail', retryable } };
};

const ledgerRun: StepExecutor = {
  action: 'agent.run',
  execute: async (task, { signal }) => {
    const order = orderOf(task);
    const { runId: run, stepId: step, attempt, idempotencyKey: key, state } = task;
    const about = { run, step, attempt, key, state, pid: process.pid, worker: workerName };
    note({ kind: 'begin', ...about, at: Date.now() });
    await delay(order.ms ?? 0, undefined, { signal }).catch(() => undefined);
    note({ kind: signal.aborted ? 'aborted' : 'end', ...about, at: Date.now() });
    return outcomeOf(order, attempt);
  },
};

/** What the platform's own workers cut before they say it. */
const tooMuch: Execution = { ok: true, output: { text: 'x'.repeat(900 * 1_024) } };

const honest = createExecutorRegistry([ledgerRun]);
const registry: ExecutorRegistry = {
  ...honest,
  execute: async (task, context) => {
    const execution = await honest.execute(task, context);
    return orderOf(task).lie === true && lie === 'size' ? tooMuch : execution;
  },
};

/** From then on nobody has to execute that attempt again, whatever becomes of this process. */
const noteReported = ({ data }: OutgoingMessage): void => {
  const { type, runId: run, stepId: step, attempt } = JSON.parse(String(data));
  if (type !== 'step.succeeded' && type !== 'step.failed') return;
  note({ kind: 'reported', run, step, attempt, pid: process.pid, worker: workerName, at: Date.now() });
};

const noting = (publisher: Publisher): Publisher => {
  const publish = publisher.publish.bind(publisher);
  publisher.publish = async (message) => {
    const outcome = await publish(message);
    noteReported(message);
    return outcome;
  };
  return publisher;
};

await runService({
  name: 'ledger-worker',
  parseConfig: (env) => {
    const { workspace, workerConcurrency, logLevel } = settings;
    const parsed = parseSettings({ ...busSettings, workspace, workerConcurrency, logLevel }, env);
    return { ...parsed, bus: busAccessOf(parsed) };
  },
  start: async ({ config, logger, scope, signal, fail }) => {
    const user = target === 'agent' ? busUsers.agent(config.workspace) : busUsers.stepWorker;
    const connection = scope.use(
      await openConnection({
        ...config.bus,
        inboxPrefix: user.inboxPrefix,
        apiPrefix: user.apiPrefix,
        name: workerName,
        logger,
        signal,
      }),
    );
    const pool = scope.use(createEvaluationPool(maxEvaluationsAtOnce), (open) => open.close());
    const concurrency = config.workerConcurrency;
    const steps = { registry, concurrency };
    const evaluations = {
      consumer: consumers.evaluator,
      registry: createExecutorRegistry([createExpressionExecutor(pool)]),
      concurrency: maxEvaluationsAtOnce,
    };
    const lanes =
      target === 'agent'
        ? [{ consumer: consumers.agent(config.workspace), ...steps }]
        : [{ consumer: consumers.stepWorker, ...steps }, evaluations];
    const publisher = noting(scope.use(createPublisher(connection)));
    for (const lane of lanes) {
      const steps = scope.use(
        runSteps({
          connection,
          publisher,
          ...lane,
          workerName,
          workspace: config.workspace,
          logger,
          ...(lie === 'time' ? { now: () => absurdAt } : {}),
        }),
      );
      steps.done.catch(fail);
    }
    return { worker: workerName };
  },
});
