import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startEmbeddedNats } from '@signalbox/embedded-nats';
import {
  type Consumption,
  consumeEach,
  deleteMessage,
  provision,
  publishUntilStored,
  readLast,
  textOf,
} from '@signalbox/messaging';
import {
  consumers,
  decodeResumeMessage,
  encodeStepTask,
  type JsonValue,
  type ResumeMessage,
  repeatedMessage,
  type StepTask,
  streamDeclarations,
  TASKS,
  taskSubjects,
} from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import {
  eventually,
  type SpawnedProcess,
  spawnProcess,
  startTestBus,
  type TestBus,
} from '@signalbox/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

const script = resolve(import.meta.dirname, '../dist/main.js');
const logger = createLogger({ service: 'test', level: 'silent' });

let bus: TestBus;
let orchestrator: Consumption;
const reports: ResumeMessage[] = [];
let workers: SpawnedProcess[] = [];
let runCount = 0;
let runId = 'r0';

const startWorker = (name: string, concurrency = 4): SpawnedProcess => {
  const worker = spawnProcess({
    script,
    env: {
      SIGNALBOX_NATS_URL: bus.url,
      SIGNALBOX_WORKER_NAME: name,
      SIGNALBOX_WORKER_CONCURRENCY: String(concurrency),
    },
  });
  workers.push(worker);
  return worker;
};

const agent = (latencyMs: number): JsonValue => ({
  name: 'greeter',
  model: { provider: 'scripted', name: 'demo' },
  config: {},
  prompt: { kind: 'expression', expression: 'task' },
  answers: [
    {
      output: { kind: 'text', parts: [{ text: 'Hello, ' }, { expression: 'task' }] },
      latencyMs,
      failTimes: 0,
    },
  ],
});

const send = async (stepId: string, latencyMs = 0, copyCount = 1): Promise<void> => {
  const task: StepTask = {
    runId,
    stepId,
    attempt: 1,
    claim: 'c',
    workspace: 'default',
    workflow: { id: 'w', version: 1 },
    scope: '',
    state: 'greet',
    action: 'agent.run',
    input: { agent: 'greeter', task: stepId },
    outputValidation: 'warn',
    scheduledAt: Date.now(),
    idempotencyKey: `default:${runId}:${stepId}:1`,
  };
  const message = encodeStepTask(task, {
    target: 'worker',
    effectId: `${runId}/${stepId}`,
    agentText: JSON.stringify(agent(latencyMs)),
  });
  for (let count = 1; count <= copyCount; count += 1) {
    const copy = count === 1 ? message : { ...repeatedMessage(message), id: `${message.id}/${count}` };
    await publishUntilStored(bus.publisher, copy, new AbortController().signal);
  }
};

const results = () => reports.flatMap((report) => (report.type === 'step.succeeded' ? [report] : []));
const untilNothingIsLeft = () =>
  eventually(async () => (await readLast(bus.connection, TASKS, 'wf.task.>')) === undefined, {
    describe: () => JSON.stringify(workers.flatMap(({ lines }) => lines)),
  });

beforeAll(async () => {
  bus = await startTestBus({
    topology: {
      streams: streamDeclarations(),
      consumers: [consumers.orchestratorResume, consumers.stepWorker],
    },
  });
  orchestrator = consumeEach(bus.connection, {
    stream: TASKS,
    durable: consumers.orchestratorResume.durable,
    maxInFlight: 64,
    logger,
    handler: async (delivery) => {
      reports.push(decodeResumeMessage(textOf(delivery)));
      delivery.ack();
    },
  });
});
beforeEach(() => {
  runCount += 1;
  runId = `r${runCount}`;
  reports.length = 0;
});
afterEach(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await Promise.all(workers.map(({ exited }) => exited));
  workers = [];
});
afterAll(async () => {
  await orchestrator.stop();
  await bus.stop();
});

test('a worker runs a scripted agent and says in its log who has answered', async () => {
  const worker = startWorker('one');
  expect(await worker.ready).toMatchObject({
    worker: 'one',
    providers: ['scripted'],
    actions: ['agent.run', 'expression.evaluate'],
  });
  await send('ada');
  await untilNothingIsLeft();
  expect(results()).toMatchObject([{ stepId: 'ada', worker: 'one', output: { result: 'Hello, ada' } }]);
  await eventually(() => worker.lines.find((line) => line.includes('"provider":"scripted"')));
});

test('SIGTERM in the middle of the work loses no step and repeats none; another worker does the rest', async () => {
  const first = startWorker('one', 4);
  await first.ready;
  const ids = Array.from({ length: 40 }, (_, index) => `s${index}`);
  for (const id of ids) await send(id, 300);
  await eventually(() => results().length >= 4);
  first.kill('SIGTERM');
  expect(await first.exited).toEqual({ code: 0, signal: null });
  const doneByFirst = results().length;
  expect(doneByFirst).toBeLessThan(ids.length);

  await startWorker('two', 40).ready;
  await untilNothingIsLeft();
  expect(
    results()
      .map(({ stepId }) => stepId)
      .sort(),
  ).toEqual([...ids].sort());
  expect(new Set(results().map(({ worker }) => worker))).toEqual(new Set(['one', 'two']));
});

test('a second worker that starts while the first is at work takes its share', async () => {
  await startWorker('one', 2).ready;
  for (let index = 0; index < 10; index += 1) await send(`s${index}`, 200);
  await eventually(() => results().length > 0);
  await startWorker('two', 2).ready;
  for (let index = 10; index < 30; index += 1) await send(`s${index}`, 200);
  await untilNothingIsLeft();
  expect(results()).toHaveLength(30);
  const byTwo = results().filter(({ worker }) => worker === 'two');
  expect(byTwo.length).toBeGreaterThan(0);
});

test('a worker that starts while the server is away waits for it', async () => {
  await bus.kill();
  const worker = startWorker('early');
  await bus.restart();
  await worker.ready;
  await send('ada');
  await untilNothingIsLeft();
  expect(results()).toMatchObject([{ worker: 'early' }]);
});

test('a task that lies in the queue twice, because it had to be sent twice, is begun by one of two workers', async () => {
  await Promise.all([startWorker('one', 1).ready, startWorker('two', 1).ready]);
  await send('ada', 3_000, 2);
  await eventually(() => results().length > 0);
  const beginnings = reports.flatMap((report) => (report.type === 'step.started' ? [report.worker] : []));
  expect(beginnings).toHaveLength(1);
  // Nobody tells the worker by an event that it is done.
  const copy = await readLast(bus.connection, TASKS, taskSubjects.step('default', runId, 'ada'));
  if (copy !== undefined) await deleteMessage(bus.connection, TASKS, copy.sequence);
});

test('a bad setting ends the process with 78 and the name of the setting', async () => {
  const worker = spawnProcess({ script, env: { SIGNALBOX_WORKER_CONCURRENCY: 'many' } });
  workers.push(worker);
  worker.ready.catch(() => undefined);
  expect(await worker.exited).toEqual({ code: 78, signal: null });
  expect(worker.lines.join('\n')).toContain('SIGNALBOX_WORKER_CONCURRENCY');
});

test('a worker works on when the server has lost everything it had', async () => {
  const worker = startWorker('one');
  await worker.ready;
  await bus.kill();
  const storeDir = await mkdtemp(join(tmpdir(), 'signalbox-empty-'));
  const empty = await startEmbeddedNats({ storeDir, port: bus.port });
  try {
    await provision(bus.connection, { streams: streamDeclarations(), consumers: [consumers.stepWorker] });
    await send('ada');
    await eventually(async () => {
      const report = await readLast(bus.connection, TASKS, taskSubjects.resumeStep('default', runId, 'ada'));
      return report !== undefined && textOf(report).text.includes('Hello, ada');
    });
  } finally {
    await empty.stop();
    await rm(storeDir, { recursive: true });
    await bus.restart();
  }
});
