/** The real process over a real nats-server, with a worker that the test scripts. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedNats } from '@signalbox/embedded-nats';
import { evolve, initialState, type RunEvent, type RunState, runStatus } from '@signalbox/engine';
import {
  type Consumption,
  consumeEach,
  type Delivery,
  followStream,
  publishLive,
  readLast,
  readStreamFacts,
  setStreamDescription,
  textOf,
} from '@signalbox/messaging';
import {
  consumers,
  decodeEvent,
  decodeStepTask,
  EVENTS,
  type EventEnvelope,
  presenceSubjects,
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
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agentSource, step, workflow } from './support/test-world.js';

const script = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const logger = createLogger({ service: 'test', level: 'silent' });

let bus: TestBus;
let folder: string;
let orchestrator: SpawnedProcess | undefined;
let events: EventEnvelope[];
let stopFollowing: AbortController;
let worker: Consumption | undefined;
let commandCount: number;

const spawn = (url = bus.url): SpawnedProcess => {
  orchestrator = spawnProcess({
    script,
    env: { SIGNALBOX_NATS_URL: url, SIGNALBOX_DATA_DIR: folder, SIGNALBOX_LOG_LEVEL: 'debug' },
  });
  return orchestrator;
};

const kill = async (): Promise<void> => {
  orchestrator?.kill('SIGKILL');
  await orchestrator?.exited;
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-process-'));
  bus = await startTestBus({
    topology: { streams: streamDeclarations(), consumers: [consumers.stepWorker] },
  });
  events = [];
  commandCount = 0;
  stopFollowing = new AbortController();
  void followStream(bus.connection, {
    stream: EVENTS,
    fromSequence: 1,
    signal: stopFollowing.signal,
    maxBatch: 500,
    logger,
    handler: (messages) => {
      for (const message of messages) events.push(decodeEvent(textOf(message)));
    },
  });
});

afterEach(async () => {
  await worker?.stop({ graceMs: 100 });
  worker = undefined;
  stopFollowing.abort();
  await kill();
  await bus.stop();
  rmSync(folder, { recursive: true, force: true });
});

const send = async (subject: string, body: unknown, id?: string): Promise<void> => {
  const data = typeof body === 'string' ? body : JSON.stringify(body);
  await bus.publisher.publish({ subject, data, ...(id === undefined ? {} : { id }) });
};

const base = () => {
  commandCount += 1;
  return { commandId: `c${commandCount}`, workspace: 'default', actor: 'user:alice', issuedAt: 1 };
};

const putCatalog = async (source: string): Promise<void> => {
  const sendCommand = (command: object) => {
    const body = { ...base(), ...command };
    return send(taskSubjects.catalog('default', body.commandId), body);
  };
  await sendCommand({ type: 'put_agent', name: 'worker', source: agentSource });
  await sendCommand({ type: 'put_workflow', mode: 'put', source });
  await eventually(() => events.some(({ data }) => data.type === 'catalog.workflow_put'));
};

const start = (runId: string, workflowId: string): Promise<void> =>
  send(taskSubjects.run('default', runId), { ...base(), type: 'start', runId, workflowId, input: {} });

const resultOf = (task: StepTask, claim = task.claim): object => ({
  type: 'step.succeeded',
  workspace: task.workspace,
  runId: task.runId,
  stepId: task.stepId,
  attempt: task.attempt,
  claim,
  worker: 'w1',
  startedAt: 1,
  finishedAt: 2,
  output: { ok: true },
});

const work = (answer: (task: StepTask, delivery: Delivery) => Promise<void>): void => {
  worker = consumeEach(bus.connection, {
    stream: TASKS,
    durable: consumers.stepWorker.durable,
    maxInFlight: 50,
    logger,
    handler: async (delivery) => {
      await answer(decodeStepTask(textOf(delivery)), delivery);
      delivery.ack();
    },
  });
};

const reportSubject = (task: StepTask): string => taskSubjects.resumeStep('default', task.runId, task.stepId);
const answerAll = (): void => work(async (task) => send(reportSubject(task), resultOf(task)));

/** Each event once, by its place in the history; the same event may be stored twice after a long outage. */
const historyOf = (runId: string): EventEnvelope[] => {
  const bySequence = new Map<number, EventEnvelope>();
  for (const event of events)
    if (event.runId === runId && event.sequence > 0) bySequence.set(event.sequence, event);
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
};

const isCompleted = (runId: string): boolean =>
  events.some(({ runId: id, data }) => id === runId && data.type === 'run.completed');

const folded = (runId: string): RunState => {
  let state: RunState = initialState;
  for (const { sequence, at, data } of historyOf(runId)) {
    state = evolve(state, { seq: sequence, at, event: data as RunEvent });
  }
  return state;
};

const storedRows = (): { run_id: string; status: string; seq: number }[] => {
  const database = new Database(join(folder, 'orchestrator.sqlite'), { readonly: true });
  const rows = database
    .prepare(
      `SELECT run_id, status, (SELECT max(seq) FROM workflow_run_events AS events WHERE events.run_key = workflow_runs.run_key) AS seq FROM workflow_runs`,
    )
    .all();
  database.close();
  return rows as { run_id: string; status: string; seq: number }[];
};

const fiveSteps = workflow('five', [
  step('s1', 'next: s2'),
  step('s2', 'next: s3'),
  step('s3', 'next: s4'),
  step('s4', 'next: s5'),
  step('s5'),
]);

describe('the orchestrator process', () => {
  test('waits for a server that is not there yet, and then works', async () => {
    const storeDir = join(folder, 'late');
    const first = await startEmbeddedNats({ storeDir });
    const { port, url } = first;
    await first.stop();
    const process = spawn(url);
    await eventually(() => process.lines.length > 0, { describe: 'the process says that it waits' });
    const late = await startEmbeddedNats({ storeDir, port });
    await process.ready;
    process.kill('SIGTERM');
    expect(await process.exited).toEqual({ code: 0, signal: null });
    await late.stop();
  });

  test('keeps a second one off its database', async () => {
    await spawn().ready;
    const second = spawnProcess({
      script,
      env: { SIGNALBOX_NATS_URL: bus.url, SIGNALBOX_DATA_DIR: folder, SIGNALBOX_LOG_LEVEL: 'info' },
    });
    expect((await second.exited).code).toBe(75);
    expect(second.lines.join('\n')).toContain('another orchestrator has the database');
  });

  test('completes every run although it is killed again and again, with no step completed twice', {
    timeout: 240_000,
  }, async () => {
    await spawn().ready;
    await putCatalog(fiveSteps);
    answerAll();
    const runIds = Array.from({ length: 40 }, (_, index) => `run-${index}`);
    const started = Promise.all(runIds.map((runId) => start(runId, 'five')));
    for (const share of [20, 120]) {
      await eventually(() => events.filter(({ data }) => data.type === 'step.succeeded').length >= share, {
        timeoutMs: 60_000,
      });
      await kill();
      await spawn().ready;
    }
    await started;
    await eventually(() => runIds.every(isCompleted), {
      timeoutMs: 150_000,
      describe: () => `completed: ${runIds.filter(isCompleted).length} of ${runIds.length}`,
    });
    for (const runId of runIds) {
      const history = historyOf(runId);
      expect(history.map(({ sequence }) => sequence)).toEqual(history.map((_, index) => index + 1));
      const steps = history.flatMap(({ data }) => (data.type === 'step.succeeded' ? [data.stepId] : []));
      expect(new Set(steps).size).toBe(5);
      expect(steps).toHaveLength(5);
    }
    await eventually(() => storedRows().every(({ status }) => status === 'COMPLETED'));
    for (const { run_id, status, seq } of storedRows()) {
      const state = folded(run_id);
      expect({ status: runStatus(state), seq: state.seq }).toEqual({ status, seq });
    }
  });

  test('refuses duplicates, late results and wrong claims, and stays up', async () => {
    await spawn().ready;
    await putCatalog(workflow('two', [step('first', 'next: second'), step('second')]));
    const seen: StepTask[] = [];
    work(async (task) => {
      const subject = reportSubject(task);
      const late = seen[0];
      seen.push(task);
      await send(subject, resultOf(task, 'x'.repeat(43)));
      await send(subject, resultOf(task));
      await send(subject, resultOf(task));
      if (late !== undefined) await send(subject, resultOf(late));
    });
    await start('run-1', 'two');
    await eventually(() => isCompleted('run-1'));
    expect(historyOf('run-1').map(({ data }) => data.type)).toEqual([
      'run.started',
      'step.scheduled',
      'step.succeeded',
      'step.scheduled',
      'step.succeeded',
      'run.completed',
    ]);
    expect(orchestrator?.lines.filter((line) => line.includes('without the right claim'))).toHaveLength(2);
  });

  test('goes on where the log bears the name of an earlier process of its database, and ends where it bears another', async () => {
    const nameOf = async () => (await readStreamFacts(bus.connection, EVENTS)).description;
    await spawn().ready;
    const earlier = await nameOf();
    await kill();
    const process = spawn();
    await process.ready;
    const own = await nameOf();
    expect(own).not.toBe(earlier);
    // As an older copy of the server's store.
    await setStreamDescription(bus.connection, EVENTS, earlier ?? '');
    await eventually(async () => (await nameOf()) === own, { describe: 'it bears its name again' });
    await putCatalog(workflow('one', [step('only')]));
    answerAll();
    await start('run-1', 'one');
    await eventually(() => isCompleted('run-1'));
    const another = own?.replace(/held by [^ ,]+/, `held by ${randomUUID()}`) ?? '';
    expect(another).not.toBe(own);
    await setStreamDescription(bus.connection, EVENTS, another);
    expect((await process.exited).code).toBe(75);
  });

  test('keeps garbage from each of its subjects as dead letters, and stays up', async () => {
    const process = spawn();
    await process.ready;
    const kinds = ['run.x', 'resume', 'catalog', 'deadletter'];
    for (const kind of kinds) await send(`wf.task.${kind}.x`, 'garbage');
    // What no consumer takes would lie in the stream for ever.
    publishLive(bus.connection, 'wf.task.run.x', 'garbage');
    await eventually(() => events.filter(({ data }) => data.type === 'deadletter.recorded').length === 4);
    await putCatalog(workflow('one', [step('only')]));
    answerAll();
    await start('run-1', 'one');
    await eventually(() => isCompleted('run-1'));
    expect(await readLast(bus.connection, TASKS, 'wf.task.run.>')).toBeUndefined();
  });

  test('fails an attempt that was begun five times and never ended, and none that was only given back', async () => {
    await spawn().ready;
    await putCatalog(workflow('one', [step('only')]));
    let task: StepTask | undefined;
    let givenBackCount = 0;
    worker = consumeEach(bus.connection, {
      stream: TASKS,
      durable: consumers.stepWorker.durable,
      maxInFlight: 1,
      logger,
      handler: async (delivery) => {
        task = JSON.parse(Buffer.from(delivery.data).toString()) as StepTask;
        givenBackCount += 1;
        delivery.nak();
      },
    });
    await start('run-1', 'one');
    const held = await eventually(() => givenBackCount > 20 && task);
    const types = (): string[] => historyOf('run-1').map(({ data }) => data.type);
    expect(types()).toEqual(['run.started', 'step.scheduled']);
    const { runId, stepId, attempt, claim } = held;
    const about = { workspace: 'default', runId, stepId, attempt, claim, worker: 'w1', startedAt: 1 };
    const say = (type: string, beginning: string, part: object = {}): Promise<void> =>
      send(reportSubject(held), { ...about, ...part, type, beginning });
    // What is given back by whoever has the task does not count.
    for (let count = 1; count <= 6; count += 1) {
      await say('step.started', `stopped${count}`);
      await say('step.given_back', `stopped${count}`);
    }
    await eventually(() => types().filter((type) => type === 'step.given_back').length === 6);
    for (let count = 1; count <= 6; count += 1) {
      await say('step.started', `b${count}`);
      await say('step.given_back', `b${count}`, { claim: 'forged' });
    }
    await eventually(() => types().includes('run.failed'));
    expect(types().filter((type) => type === 'step.given_back')).toHaveLength(6);
    expect(types().filter((type) => type === 'step.started')).toHaveLength(6 + 5);
    expect(historyOf('run-1').find(({ data }) => data.type === 'step.failed')?.data).toMatchObject({
      error: { code: 'POISON_MESSAGE' },
    });
  });

  test('goes on hearing when somebody says something on the bus that it cannot read', async () => {
    const process = spawn();
    await process.ready;
    for (const said of ['', 'who?', 'null', '{"isAtWork":true}'])
      publishLive(bus.connection, presenceSubjects.orchestrator, said);
    await putCatalog(workflow('one', [step('only')]));
    answerAll();
    await start('run-1', 'one');
    await eventually(() => isCompleted('run-1'));
    const said = process.lines.filter((line) => line.includes('what was heard cannot be read'));
    expect(said).toHaveLength(1);
    expect(JSON.parse(said[0] ?? '')).toMatchObject({
      level: 'warn',
      subject: presenceSubjects.orchestrator,
    });
  });

  test('goes on where it was when nats-server is killed and comes back', async () => {
    await spawn().ready;
    await putCatalog(fiveSteps);
    answerAll();
    const runIds = Array.from({ length: 10 }, (_, index) => `run-${index}`);
    for (const runId of runIds) await start(runId, 'five');
    await bus.kill();
    await bus.restart();
    await eventually(() => runIds.every(isCompleted), {
      timeoutMs: 90_000,
      describe: () => `completed: ${runIds.filter(isCompleted).length}`,
    });
  });

  test('cancels: takes its tasks back and answers what comes late with nothing', async () => {
    await spawn().ready;
    await putCatalog(workflow('one', [step('only')]));
    await start('run-1', 'one');
    await eventually(() => historyOf('run-1').length === 2);
    await send(taskSubjects.run('default', 'run-1'), { ...base(), type: 'cancel', runId: 'run-1' });
    await eventually(() => events.some(({ data }) => data.type === 'run.cancelled'));
    await eventually(
      async () => (await readLast(bus.connection, TASKS, 'wf.task.step.default.run-1.>')) === undefined,
    );
  });
});
