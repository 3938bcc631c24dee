/**
 * The loop that the step worker and the agent share: claim, check for a duplicate, execute, report, acknowledge.
 *
 * 1. A task is acknowledged only after its result is stored (PubAck), or when nobody waits for one.
 * 2. A redelivered task whose attempt is over is not executed again.
 * 3. At most `concurrency` steps are claimed at any time.
 * 4. No message can stop the loop; a defect of this program does, so that the process ends and its tasks go elsewhere.
 * 5. Stopping loses nothing: tasks not yet begun go back at once, steps at work have the grace time, then they go back too.
 */

import { setMaxListeners } from 'node:events';
import { stepError } from '@signalbox/engine';
import type { Execution, ExecutorRegistry } from '@signalbox/executors';
import {
  type Connection,
  type Consumption,
  consumeEach,
  createDeadLetterReporter,
  type Delivery,
  type Publisher,
  publishUntilStored,
  settleTask,
  TransientError,
  textOf,
} from '@signalbox/messaging';
import {
  type ConsumerDeclaration,
  ContractError,
  decodeStepTask,
  eventSubjects,
  heartbeatMs,
  parseTaskSubject,
  type StepTask,
} from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import { createAbortWatch, lastFact } from './abort-watch.js';
import { type Ending, executeStep } from './execute-step.js';
import { isAttemptOver } from './step-outcome.js';
import { resultReport, type StepHolder, startedReport } from './step-report.js';

export interface RunStepsOptions {
  readonly connection: Connection;
  readonly publisher: Publisher;
  /** The durable consumer to claim from; it must exist. */
  readonly consumer: Pick<ConsumerDeclaration, 'stream' | 'durable'>;
  readonly registry: ExecutorRegistry;
  /** Steps in hand at any time. */
  readonly concurrency: number;
  /** Names this process in results and logs. */
  readonly workerName: string;
  /** Where dead letters go whose subject names no workspace. */
  readonly workspace: string;
  readonly logger: Logger;
  /** Milliseconds since 1970; the process's clock by default. */
  readonly now?: () => number;
  /** How often a step at work renews its claim and looks whether it is still wanted. Default that of the protocol. */
  readonly heartbeatMs?: number;
  /** A step that outlasts this is reported as started and watched for cancellation. Default 250. */
  readonly startedReportMs?: number;
  /** Time for an executor to heed its abort signal. Default 5 s. */
  readonly abortGraceMs?: number;
}

export interface StepRun {
  /** Resolves after `stop()`; rejects with a defect that has stopped the loop. */
  readonly done: Promise<void>;
  readonly inFlightCount: number;
  /** Ordered stop; takes `graceMs` (default 10 s) plus the time for aborting at most. */
  readonly stop: (options?: { graceMs?: number }) => Promise<void>;
}

const defaultStopGraceMs = 10_000;
const defaultAbortGraceMs = 5_000;
/** Time to publish and acknowledge once the executors of a stopping process have been aborted. */
const settlingMs = 500;

export const runSteps = (options: RunStepsOptions): StepRun => {
  const graceIsOver = new AbortController();
  // Each step in hand listens.
  setMaxListeners(0, graceIsOver.signal);
  const abortGraceMs = options.abortGraceMs ?? defaultAbortGraceMs;
  const handler = createStepHandler(options, abortGraceMs, graceIsOver.signal);
  const consumption: Consumption = consumeEach(options.connection, {
    stream: options.consumer.stream,
    durable: options.consumer.durable,
    maxInFlight: options.concurrency,
    heartbeatMs: options.heartbeatMs ?? heartbeatMs,
    logger: options.logger,
    handler,
  });
  return {
    done: consumption.done,
    get inFlightCount() {
      return consumption.inFlightCount;
    },
    stop: async ({ graceMs = defaultStopGraceMs } = {}) => {
      const timer = setTimeout(() => graceIsOver.abort(), graceMs);
      try {
        await consumption.stop({ graceMs: graceMs + abortGraceMs + settlingMs });
      } finally {
        clearTimeout(timer);
      }
    },
  };
};

const createStepHandler = (options: RunStepsOptions, abortGraceMs: number, stopping: AbortSignal) => {
  const { connection, publisher, registry, workerName: worker } = options;
  const now = options.now ?? Date.now;
  const abortWatch = createAbortWatch(connection, options.heartbeatMs ?? heartbeatMs);
  const deadLetters = createDeadLetterReporter({
    publisher,
    workspace: options.workspace,
    reportedBy: worker,
    now,
  });

  const handleTask = async (delivery: Delivery): Promise<void> => {
    const task = decodeStepTask(textOf(delivery));
    const logger = options.logger.child({
      run_id: task.runId,
      step_id: task.stepId,
      attempt: task.attempt,
      state: task.state,
    });
    if (delivery.deliveryCount > 1 && (await isOverAlready(connection, task))) {
      logger.info('a redelivered step is over already; not executed again', {
        delivery_count: delivery.deliveryCount,
      });
      return;
    }
    const heldBy = parseTaskSubject(delivery.subject).kind === 'agent' ? 'agent' : 'worker';
    const holder: StepHolder = { task, heldBy, worker, startedAt: now(), incoming: delivery.headers };
    const ending = await executeStep(task, {
      registry,
      abortWatch,
      worker,
      logger,
      now,
      startedReportMs: options.startedReportMs ?? 250,
      abortGraceMs,
      stopping,
      onOutlasting: () => reportStarted(holder),
    });
    const execution = executionOf(ending, task);
    if (execution === undefined) {
      logger.info('a step has been stopped', { ...ending });
      if (ending.kind === 'given_back') delivery.nak();
      return;
    }
    const finishedAt = now();
    await publishResult(holder, execution, finishedAt);
    logResult(logger, execution, finishedAt - holder.startedAt);
  };

  const publishResult = async (holder: StepHolder, execution: Execution, at: number): Promise<void> => {
    try {
      await publishUntilStored(publisher, resultReport(holder, execution, at), stopping);
    } catch (error) {
      // A server may take less than the protocol's limits allow for.
      if (!(error instanceof ContractError)) throw error;
      const failure: Execution = { ok: false, error: tooLarge(holder.task, connection.maxPayloadBytes) };
      await publishUntilStored(publisher, resultReport(holder, failure, at), stopping);
    }
  };

  const reportStarted = async (holder: StepHolder): Promise<void> => {
    try {
      await publisher.publish(startedReport(holder));
    } catch (error) {
      // Worth no second try: the result carries `startedAt` too.
      if (!(error instanceof TransientError)) throw error;
    }
  };

  return (delivery: Delivery): Promise<void> =>
    settleTask(delivery, () => handleTask(delivery), {
      deadLetters,
      logger: options.logger,
    });
};

/** What is reported of an ending; undefined when nothing is. */
const executionOf = (ending: Ending, task: StepTask): Execution | undefined => {
  switch (ending.kind) {
    case 'finished':
      return ending.execution;
    case 'timed_out':
      return {
        ok: false,
        error: stepError(
          'STEP_TIMEOUT',
          `attempt ${task.attempt} of state "${task.state}" did not finish in the time it has`,
        ),
      };
    case 'abandoned':
    case 'given_back':
      return undefined;
  }
};

const tooLarge = (task: StepTask, limitBytes: number) =>
  stepError(
    'PAYLOAD_TOO_LARGE',
    `the result of state "${task.state}" is larger than a message may be; the server's limit is ${limitBytes} bytes`,
    { state: task.state, limitBytes },
  );

const isOverAlready = async (connection: Connection, task: StepTask): Promise<boolean> => {
  const fact = await lastFact(connection, eventSubjects.step(task.workspace, task.runId, task.stepId));
  return fact !== undefined && isAttemptOver(fact, task.attempt);
};

const logResult = (logger: Logger, execution: Execution, durationMs: number): void => {
  if (execution.ok) logger.debug('a step has succeeded', { duration_ms: durationMs });
  else logger.info('a step has failed', { duration_ms: durationMs, ...execution.error });
};
