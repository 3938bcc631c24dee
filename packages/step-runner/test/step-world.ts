/** What the tests of the step loop share: a bus with short times, tasks, events, and an executor that obeys the test. */
import { createExecutorRegistry, type Execution, type ExecutionContext } from '@signalbox/executors';
import {
  type Connection,
  consumeEach,
  deleteMessage,
  isAheadOfStream,
  readLast,
  remakeConsumer,
  textOf,
} from '@signalbox/messaging';
import {
  consumers,
  type DeadLetterReport,
  decodeDeadLetterReport,
  decodeResumeMessage,
  type EventData,
  encodeEvent,
  encodeStepTask,
  headers,
  type IncomingText,
  type ResumeMessage,
  repeatedMessage,
  type StepTask,
  streamDeclarations,
  TASKS,
} from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually, startTestBus, type TestBus } from '@signalbox/testing';
import { type RunStepsOptions, runSteps } from '../src/index.js';

/** The protocol's times, scaled: an ack wait of 10 s is 1.5 s here, a heartbeat of 3 s 0.5 s. */
export const ackWaitMs = 1_500;
export const heartbeatMs = 500;
const scaled = { ackWaitMs, backoffMs: [] };

export const topology = {
  // Between two tests the log is emptied too, which nobody may do otherwise.
  streams: streamDeclarations().map((stream) => ({ ...stream, denyDelete: false })),
  consumers: [
    { ...consumers.stepWorker, ...scaled },
    { ...consumers.agent('default'), ...scaled },
    { ...consumers.orchestratorResume, ...scaled },
    { ...consumers.orchestratorDeadLetter, ...scaled },
  ],
};

const logger = createLogger({ service: 'test', level: 'silent' });

export interface StartedStep {
  readonly task: StepTask;
  readonly context: ExecutionContext;
  readonly finish: (execution?: Execution) => void;
}

/** Executes nothing by itself: a step ends when the test says so, or by its signal. */
export const createManualExecutor = (options: { readonly ignoresAbort?: boolean } = {}) => {
  const started: StartedStep[] = [];
  let running = 0;
  let maxRunning = 0;
  const registry = createExecutorRegistry([
    {
      action: 'agent.run',
      execute: (task, context) =>
        new Promise((resolve) => {
          running += 1;
          maxRunning = Math.max(maxRunning, running);
          const finish = (execution: Execution = { ok: true, output: { done: task.stepId } }): void => {
            running -= 1;
            resolve(execution);
          };
          if (options.ignoresAbort !== true) {
            context.signal.addEventListener('abort', () => finish({ ok: true, output: 'too late' }), {
              once: true,
            });
          }
          started.push({ task, context, finish });
        }),
    },
  ]);
  return {
    registry,
    started,
    get maxRunning() {
      return maxRunning;
    },
  };
};

/** Another one after each `clear()`: within its duplicate window the stream remembers the ids of what was reported. */
let runCount = 1;
export const currentRunId = (): string => `r${runCount}`;

export const taskOf = (stepId: string, part: Partial<StepTask> = {}): StepTask => ({
  runId: currentRunId(),
  stepId,
  attempt: 1,
  claim: `claim-${stepId}`,
  workspace: 'default',
  workflow: { id: 'w', version: 1 },
  scope: '',
  state: 'check',
  action: 'agent.run',
  input: {},
  outputValidation: 'warn',
  scheduledAt: Date.now(),
  idempotencyKey: `default:${currentRunId()}:${stepId}:${part.attempt ?? 1}`,
  ...part,
});

export interface StepWorld {
  readonly bus: TestBus;
  /** What reached the orchestrator, in order. */
  readonly reports: readonly ResumeMessage[];
  readonly deadLetters: readonly DeadLetterReport[];
  readonly results: () => readonly ResumeMessage[];
  readonly start: (
    options: Partial<RunStepsOptions> & Pick<RunStepsOptions, 'registry'>,
  ) => ReturnType<typeof runSteps>;
  readonly send: (...tasks: readonly StepTask[]) => Promise<void>;
  readonly sendRaw: (subject: string, data: string, version?: string) => Promise<void>;
  /** Stores a fact, on another subject than its own if one is given. */
  readonly happen: (data: EventData, subject?: string) => Promise<void>;
  /** As `send`, with the mark of what may have been stored before. */
  readonly sendRepeated: (task: StepTask) => Promise<void>;
  /** From now on nobody takes what is reported: it waits. */
  readonly hearNothing: () => Promise<void>;
  readonly hearAgain: () => void;
  /** Claims every waiting task once and puts it back, so that its next delivery is its second. */
  readonly deliverOnceInVain: (taskCount: number) => Promise<void>;
  /** Resolves when every task is done, and every report of one has been heard. */
  readonly untilNoTaskIsLeft: () => Promise<unknown>;
  /** Empties the streams and forgets what was reported. */
  readonly clear: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export const startStepWorld = async (): Promise<StepWorld> => {
  const bus = await startTestBus({ topology });
  const { connection, publisher } = bus;
  const reports: ResumeMessage[] = [];
  const deadLetters: DeadLetterReport[] = [];
  const hear = () => [
    listen(connection, consumers.orchestratorResume.durable, (incoming) => {
      reports.push(decodeResumeMessage(incoming));
    }),
    listen(connection, consumers.orchestratorDeadLetter.durable, (incoming) => {
      deadLetters.push(decodeDeadLetterReport(incoming));
    }),
  ];
  const orchestrator = hear();
  let sequence = 0;
  const running: ReturnType<typeof runSteps>[] = [];
  const sendRaw = async (subject: string, data: string, version = '1'): Promise<void> => {
    await publisher.publish({ subject, data, headers: { [headers.version]: version } });
  };
  return {
    bus,
    reports,
    deadLetters,
    results: () => reports.filter(({ type }) => type === 'step.succeeded' || type === 'step.failed'),
    start: (options) => {
      const steps = runSteps({
        connection,
        publisher,
        consumer: consumers.stepWorker,
        concurrency: 4,
        workerName: 'worker-1',
        workspace: 'default',
        logger,
        heartbeatMs,
        settlingMs: 50,
        // Nobody writes a log here but the test.
        echoWaitMs: 200,
        ...options,
      });
      running.push(steps);
      return steps;
    },
    send: async (...tasks) => {
      for (const task of tasks) {
        const { id: _, ...message } = encodeStepTask(task, { target: 'worker', effectId: '' });
        await publisher.publish(message);
      }
    },
    sendRaw,
    sendRepeated: async (task) => {
      const { id: _, ...message } = encodeStepTask(task, { target: 'worker', effectId: '' });
      await publisher.publish(repeatedMessage(message));
    },
    hearAgain: () => void orchestrator.push(...hear()),
    hearNothing: async () => {
      await Promise.all(orchestrator.splice(0).map((consumption) => consumption.stop()));
    },
    happen: async (data, subject) => {
      sequence += 1;
      const envelope = {
        id: `default/${currentRunId()}/${sequence}`,
        workspace: 'default',
        runId: currentRunId(),
        sequence,
        at: Date.now(),
        data,
      };
      const message = encodeEvent(envelope);
      await publisher.publish(subject === undefined ? message : { ...message, subject });
    },
    deliverOnceInVain: async (taskCount) => {
      let count = 0;
      const consumption = consumeEach(connection, {
        ...consumers.stepWorker,
        maxInFlight: taskCount,
        logger,
        handler: async (delivery) => {
          count += 1;
          // Longer than the consumption lives: it must not claim the same again.
          delivery.nak(200);
        },
      });
      await eventually(() => count >= taskCount);
      await consumption.stop();
    },
    untilNoTaskIsLeft: () =>
      eventually(async () => (await readLast(connection, TASKS, 'wf.task.>')) === undefined),
    clear: async () => {
      await Promise.all(running.splice(0).map((steps) => steps.stop({ graceMs: 0 })));
      for (const { name } of topology.streams) await emptyStream(connection, name);
      await mendConsumers(connection);
      reports.length = 0;
      deadLetters.length = 0;
      runCount += 1;
    },
    stop: async () => {
      await Promise.all(running.map((steps) => steps.stop({ graceMs: 0 })));
      for (const consumption of orchestrator) await consumption.stop();
      await bus.stop();
    },
  };
};

const emptyStream = async (connection: Connection, stream: string): Promise<void> => {
  for (;;) {
    const last = await readLast(connection, stream, '>');
    if (last === undefined) return;
    await deleteMessage(connection, stream, last.sequence);
  }
};

/** As the orchestrator does: a server that was killed may give numbers again that a consumer has passed. */
const mendConsumers = async (connection: Connection): Promise<void> => {
  for (const consumer of topology.consumers)
    if (await isAheadOfStream(connection, consumer)) await remakeConsumer(connection, consumer);
};

const listen = (connection: Connection, durable: string, onMessage: (incoming: IncomingText) => void) =>
  consumeEach(connection, {
    stream: TASKS,
    durable,
    maxInFlight: 64,
    logger,
    handler: async (delivery) => {
      onMessage(textOf(delivery));
      delivery.ack();
    },
  });
