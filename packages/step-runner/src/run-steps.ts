/**
 * The loop that the step worker and the agent share: claim, check for a duplicate, execute, report, acknowledge.
 *
 * 1. A task is acknowledged only after its result is stored (PubAck), or when nobody waits for one.
 * 2. A task that may have been executed before is asked about first (`judge-task.ts`). What is begun again is reported
 *    as begun before it begins: an attempt that takes its workers with it is known by that.
 * 3. At most `concurrency` steps are claimed at any time.
 * 4. No message can stop the loop; a defect of this program does, so that the process ends and its tasks go elsewhere.
 * 5. Stopping loses nothing: nothing is begun any more, tasks not yet begun go back at once, steps at work have the grace
 *    time, then they go back too, and what was reported as begun is reported as given back, so that it is not counted.
 */

import { randomUUID } from 'node:crypto';
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
  pause,
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
  heldSubjectOf,
  parseTaskSubject,
  type StepTask,
  type WireMessage,
} from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import { createAbortWatch, lastFact } from './abort-watch.js';
import { type AttemptEnd, Attempts } from './attempts.js';
import { type Ending, executeStep } from './execute-step.js';
import { followHolders } from './holders.js';
import { hasWaitingAnswer, judgeTask } from './judge-task.js';
import { followReconnects } from './report-again.js';
import { isAttemptOver } from './step-outcome.js';
import {
  begunAgainReport,
  givenBackReport,
  resultReport,
  type StepHolder,
  startedReport,
  withClaim,
} from './step-report.js';
import { followTaskAge } from './task-age.js';

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
  /** How long a new connection has to last before tasks that are older than it are judged. Default 1 s. */
  readonly settlingMs?: number;
  /** How long the log is asked for the report of an attempt that is begun again. Default 10 s. */
  readonly echoWaitMs?: number;
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
const lastAnswersMs = 2_000;
const defaultSettlingMs = 1_000;
/** In heartbeats: well under the ack wait of three of them and a bit. */
const standstillFactor = 4 / 3;
/** Somebody else has the task in hand: when to look again. */
const heldElsewhereMs = 2_000;
/** For the orchestrator to come back, to find what the log lacks, and to publish it. */
const defaultEchoWaitMs = 10_000;
const echoPollMs = 50;

export const runSteps = (options: RunStepsOptions): StepRun => {
  const ordered = new AbortController();
  const graceIsOver = new AbortController();
  // Each step in hand listens.
  setMaxListeners(0, ordered.signal, graceIsOver.signal);
  const abortGraceMs = options.abortGraceMs ?? defaultAbortGraceMs;
  const stopping = { ordered: ordered.signal, graceIsOver: graceIsOver.signal };
  const { handler, close } = createStepHandler(options, abortGraceMs, stopping);
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
      ordered.abort();
      const timer = setTimeout(() => graceIsOver.abort(), graceMs);
      try {
        await consumption.stop({ graceMs: graceMs + abortGraceMs + lastAnswersMs });
      } finally {
        close();
        clearTimeout(timer);
      }
    },
  };
};

interface Stopping {
  /** Nothing is begun any more. */
  readonly ordered: AbortSignal;
  /** What is at work is aborted. */
  readonly graceIsOver: AbortSignal;
}

const createStepHandler = (
  options: RunStepsOptions,
  abortGraceMs: number,
  { ordered, graceIsOver }: Stopping,
) => {
  const { connection, publisher, registry, workerName: worker, consumer } = options;
  const now = options.now ?? Date.now;
  const abortWatch = createAbortWatch(connection, options.heartbeatMs ?? heartbeatMs);
  const deadLetters = createDeadLetterReporter({
    connection,
    publisher,
    workspace: options.workspace,
    reportedBy: worker,
    now,
  });

  const attempts = new Attempts();
  const reportFinished = (key: string, claim: string): boolean => {
    const result = attempts.resultOf(key);
    if (result !== undefined) publisher.publish(withClaim(result, claim)).catch(() => undefined);
    return result !== undefined;
  };
  const parts = {
    connection,
    attempts,
    now,
    age: followTaskAge(connection, consumer.stream, {
      settlingMs: options.settlingMs ?? defaultSettlingMs,
      // Of a holder that misses one heartbeat nobody else has the task yet.
      maxStandstillMs: (options.heartbeatMs ?? heartbeatMs) * standstillFactor,
    }),
    holders: followHolders({
      connection,
      subject: heldSubjectOf(consumer),
      keysInHand: () => attempts.keysInHand,
      reportFinished,
      heartbeatMs: options.heartbeatMs ?? heartbeatMs,
    }),
  };
  const reporting = followReconnects({ connection, publisher, attempts, now });

  const handleTask = async (delivery: Delivery): Promise<void> => {
    const task = decodeStepTask(textOf(delivery));
    const logger = options.logger.child({
      run_id: task.runId,
      step_id: task.stepId,
      attempt: task.attempt,
      state: task.state,
    });
    const verdict = await judgeTask(task, delivery, parts);
    if (ordered.aborted && (verdict.kind === 'execute' || verdict.kind === 'begin_again')) {
      delivery.nak();
      return;
    }
    switch (verdict.kind) {
      case 'execute':
        settleAs(delivery, await attempts.hold(task.idempotencyKey, () => work(task, delivery, logger)));
        return;
      case 'begin_again': {
        const beginAgain = () => workAgain(task, delivery, logger);
        settleAs(delivery, await attempts.hold(task.idempotencyKey, beginAgain));
        return;
      }
      case 'in_hand':
        settleAs(delivery, await verdict.end);
        return;
      case 'finished_here':
        logger.info('a step was finished here already; its result is reported again');
        await publishUntilStored(publisher, verdict.result, graceIsOver);
        return;
      case 'held_elsewhere':
        delivery.nak(heldElsewhereMs);
        return;
      case 'over':
        logger.info('a step is over already; not executed again', { because: verdict.because });
        return;
    }
  };

  const work = async (
    task: StepTask,
    delivery: Delivery,
    logger: Logger,
    holder: StepHolder = holderOf(task, delivery),
    wasReported = false,
  ): Promise<AttemptEnd> => {
    let isReported = wasReported;
    const ending = await executeStep(task, {
      registry,
      abortWatch,
      worker,
      logger,
      startedReportMs: options.startedReportMs ?? 250,
      abortGraceMs,
      stopping: graceIsOver,
      onOutlasting: async () => {
        if (isReported) return;
        isReported = true;
        await tell(startedReport(holder));
      },
    });
    const execution = executionOf(ending, task);
    if (execution === undefined) {
      logger.info('a step has been stopped', { ending: ending.kind });
      if (ending.kind !== 'given_back') return 'unwanted';
      if (isReported) await tell(givenBackReport(holder));
      return 'given_back';
    }
    const finishedAt = now();
    const report = resultReport(holder, execution, finishedAt);
    attempts.keep(task, report, finishedAt);
    await publishResult(holder, report, finishedAt);
    logResult(logger, execution, finishedAt - holder.startedAt);
    return 'reported';
  };

  /**
   * The report is stored before the work begins, so that a beginning without an end is counted, and the log has it: a
   * server that has lost its newest messages lacks the end of the attempt until the log is published again.
   */
  const workAgain = async (task: StepTask, delivery: Delivery, logger: Logger): Promise<AttemptEnd> => {
    const { idempotencyKey } = task;
    const { beginning, ...about } = holderOf(task, delivery);
    const replaces = attempts.reportBegun(idempotencyKey, beginning);
    const holder = { ...about, beginning, ...(replaces === undefined ? {} : { replaces }) };
    const isWanted = await isBegunAgain(holder, delivery).finally(async () => {
      if (ordered.aborted) await tell(givenBackReport(holder));
    });
    if (ordered.aborted) return 'given_back';
    attempts.noteBegun(idempotencyKey);
    if (isWanted) return work(task, delivery, logger, holder, true);
    logger.info('a step was begun too often, or is over; not executed again');
    return 'unwanted';
  };

  const isBegunAgain = async (holder: StepHolder, delivery: Delivery): Promise<boolean> => {
    await publisher.publish(begunAgainReport(holder));
    return !(await isRefused(holder, delivery));
  };

  /**
   * Waits until the log has the report. An orchestrator that is away counts it later; meanwhile its result may have come
   * from whoever had finished it when the server died, and waits in the queue. A server that is away is waited
   * for: what was reported as begun, and is given back, would be counted without having been executed.
   */
  const isRefused = async ({ task, beginning }: StepHolder, delivery: Delivery): Promise<boolean> => {
    const subject = eventSubjects.step(task.workspace, task.runId, task.stepId);
    const waitMs = options.echoWaitMs ?? defaultEchoWaitMs;
    for (let until = now() + waitMs; now() < until && !ordered.aborted; await pause(echoPollMs, ordered)) {
      const fact = await lastFact(connection, subject).catch((error: unknown) => {
        if (!(error instanceof TransientError) || ordered.aborted) throw error;
        until = now() + waitMs;
        return undefined;
      });
      if (fact !== undefined && isAttemptOver(fact, task.attempt)) return true;
      if (fact?.type === 'step.started' && fact.beginning === beginning) return false;
    }
    return hasWaitingAnswer(task, delivery, connection);
  };

  const holderOf = (task: StepTask, delivery: Delivery): StepHolder => ({
    task,
    heldBy: parseTaskSubject(delivery.subject).kind === 'agent' ? 'agent' : 'worker',
    worker,
    startedAt: now(),
    beginning: randomUUID(),
    incoming: delivery.headers,
  });

  const publishResult = async (holder: StepHolder, report: WireMessage, at: number): Promise<void> => {
    try {
      await publishUntilStored(publisher, report, graceIsOver);
    } catch (error) {
      // A server may take less than the protocol's limits allow for.
      if (!(error instanceof ContractError)) throw error;
      const failure: Execution = { ok: false, error: tooLarge(holder.task, connection.maxPayloadBytes) };
      const failed = resultReport(holder, failure, at);
      attempts.keep(holder.task, failed, at);
      await publishUntilStored(publisher, failed, graceIsOver);
    }
  };

  /** Worth no second try: a result carries `startedAt` too, and a beginning that is not taken back counts. */
  const tell = async (report: WireMessage): Promise<void> => {
    try {
      await publisher.publish(report);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
    }
  };

  return {
    handler: (delivery: Delivery): Promise<void> =>
      settleTask(delivery, () => handleTask(delivery), { deadLetters, logger: options.logger }),
    close: () => {
      reporting.close();
      parts.age.close();
      parts.holders.close();
    },
  };
};

/** What is neither reported nor wanted by nobody goes to somebody else; the rest is acknowledged. */
const settleAs = (delivery: Delivery, end: AttemptEnd): void => {
  if (end === 'given_back') delivery.nak();
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

const logResult = (logger: Logger, execution: Execution, durationMs: number): void => {
  if (execution.ok) logger.debug('a step has succeeded', { duration_ms: durationMs });
  else {
    const { code, retryable } = execution.error;
    logger.info('a step has failed', { duration_ms: durationMs, code, retryable });
  }
};
