import { readLast } from '@signalbox/messaging';
import { type EventData, encodeStepReport, headers, TASKS, taskSubjects } from '@signalbox/protocol';
import { eventually } from '@signalbox/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ackWaitMs,
  createManualExecutor,
  currentRunId,
  type StepWorld,
  startStepWorld,
  taskOf,
} from './step-world.js';

let world: StepWorld;
beforeAll(async () => {
  world = await startStepWorld();
});
afterEach(() => world.clear());
afterAll(() => world.stop());

const neverStarted = { startedReportMs: 3_600_000 };
const startedOnce = <T>(steps: readonly T[]) =>
  eventually(() => steps[0], { describe: () => `${steps.length} steps started` });

describe('a step', () => {
  test('is executed, reported with its claim and times, and acknowledged', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, ...neverStarted });
    await world.send(taskOf('s1', { attempt: 3 }));
    (await startedOnce(executor.started)).finish();
    await world.untilNoTaskIsLeft();
    expect(world.reports).toEqual([
      {
        type: 'step.succeeded',
        sentBy: 'worker',
        workspace: 'default',
        runId: currentRunId(),
        stepId: 's1',
        attempt: 3,
        claim: 'claim-s1',
        worker: 'worker-1',
        startedAt: expect.any(Number),
        finishedAt: expect.any(Number),
        output: { done: 's1' },
      },
    ]);
  });

  test('that fails is reported as failed, and acknowledged', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, ...neverStarted });
    await world.send(taskOf('s1'));
    const error = { code: 'AGENT_ERROR', message: 'no', retryable: true } as const;
    (await startedOnce(executor.started)).finish({ ok: false, error });
    await world.untilNoTaskIsLeft();
    expect(world.reports).toMatchObject([{ type: 'step.failed', error }]);
  });

  test('that outlasts its threshold is reported as started first', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, startedReportMs: 1 });
    await world.send(taskOf('s1'));
    const step = await startedOnce(executor.started);
    await eventually(() => world.reports.some(({ type }) => type === 'step.started'));
    step.finish();
    await eventually(() => world.results().length === 1);
    expect(world.reports.map(({ type }) => type)).toEqual(['step.started', 'step.succeeded']);
  });

  test('whose timeout passes is aborted and reported as STEP_TIMEOUT', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry });
    await world.send(taskOf('s1', { timeoutMs: 300 }));
    const step = await startedOnce(executor.started);
    await eventually(() => world.results().length === 1);
    expect(step.context.signal.aborted).toBe(true);
    expect(world.results()).toMatchObject([{ type: 'step.failed', error: { code: 'STEP_TIMEOUT' } }]);
  });

  test('has its whole time, however far ahead the clock of who executes it is', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, now: () => Date.now() + 60_000 });
    await world.send(taskOf('s1', { timeoutMs: 30_000 }));
    const step = await startedOnce(executor.started);
    step.finish();
    await eventually(() => world.results().length === 1);
    expect(world.results()).toMatchObject([{ type: 'step.succeeded' }]);
  });

  test('that lasts longer than the ack wait runs once', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry });
    await world.send(taskOf('s1'));
    const step = await startedOnce(executor.started);
    const until = Date.now() + 4 * ackWaitMs;
    await eventually(() => Date.now() > until);
    step.finish();
    await world.untilNoTaskIsLeft();
    expect(executor.started).toHaveLength(1);
    expect(world.results()).toHaveLength(1);
  });

  test('carries the trace of its task into its report', async () => {
    const executor = createManualExecutor();
    const seen: unknown[] = [];
    world.start({
      registry: executor.registry,
      publisher: {
        ...world.bus.publisher,
        publish: (message) => {
          seen.push(message.headers?.[headers.traceparent], message.id);
          return world.bus.publisher.publish(message);
        },
      },
      ...neverStarted,
    });
    const task = taskOf('s1');
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await world.bus.publisher.publish({
      subject: taskSubjects.step('default', currentRunId(), 's1'),
      data: JSON.stringify(task),
      headers: { traceparent },
    });
    (await startedOnce(executor.started)).finish();
    await world.untilNoTaskIsLeft();
    expect(seen).toEqual([traceparent, `default:${currentRunId()}:s1:1/result`]);
  });
});

describe('a task that has waited', () => {
  /** As if everything had been stored five seconds before. */
  const later = { now: () => Date.now() + 5_000, ...neverStarted };

  test('is not begun when the log says that its step is cancelled, though nobody has withdrawn it yet', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, ...later });
    // Stored after the worker has connected.
    await world.send(taskOf('first'));
    (await startedOnce(executor.started)).finish();
    await world.untilNoTaskIsLeft();
    await world.happen({ type: 'step.cancelled', stepId: 's1' });
    await world.send(taskOf('s1'));
    await world.untilNoTaskIsLeft();
    expect(executor.started.map(({ task }) => task.stepId)).toEqual(['first']);
  });

  test('is begun when the log says nothing against it, without a further report', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, ...later });
    await world.happen({ type: 'step.scheduled', stepId: 's1', attempt: 1 } as EventData);
    await world.send(taskOf('s1'));
    (await startedOnce(executor.started)).finish();
    await world.untilNoTaskIsLeft();
    expect(world.reports.map(({ type }) => type)).toEqual(['step.succeeded']);
  });
});

describe('a redelivered step', () => {
  test.each([
    ['succeeded', { type: 'step.succeeded', stepId: 's1', attempt: 1, output: null }],
    ['was cancelled', { type: 'step.cancelled', stepId: 's1' }],
    ['is due for a later attempt', { type: 'step.retry_scheduled', stepId: 's1', attempt: 2, dueAt: 1 }],
  ] as const)('that %s is not executed again', async (_what, fact) => {
    await world.happen(fact);
    await world.send(taskOf('s1'));
    await world.deliverOnceInVain(1);
    const executor = createManualExecutor();
    world.start({ registry: executor.registry });
    await world.untilNoTaskIsLeft();
    expect(executor.started).toEqual([]);
    expect(world.reports).toEqual([]);
  });

  test('that has only started is executed again', async () => {
    await world.happen({
      type: 'step.started',
      stepId: 's1',
      attempt: 1,
      beginning: 'b',
      startedAt: 1,
      worker: 'gone',
    });
    await world.send(taskOf('s1'));
    await world.deliverOnceInVain(1);
    const executor = createManualExecutor();
    world.start({ registry: executor.registry });
    (await startedOnce(executor.started)).finish();
    await world.untilNoTaskIsLeft();
    expect(world.results()).toHaveLength(1);
  });
});

describe('a task that may have been executed before', () => {
  test('is not executed when its result waits, unread by the orchestrator', async () => {
    const first = createManualExecutor();
    await world.hearNothing();
    const steps = world.start({ registry: first.registry, ...neverStarted });
    await world.send(taskOf('s1'));
    (await startedOnce(first.started)).finish();
    await eventually(
      async () => (await readLast(world.bus.connection, TASKS, 'wf.task.resume.>')) !== undefined,
    );
    await steps.stop();
    const second = createManualExecutor();
    world.start({ registry: second.registry });
    await world.sendRepeated(taskOf('s1'));
    await eventually(
      async () => (await readLast(world.bus.connection, TASKS, 'wf.task.step.>')) === undefined,
    );
    expect(second.started).toEqual([]);
    await world.hearAgain();
  });

  test('is reported again and not executed when this process has finished it', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, ...neverStarted });
    await world.send(taskOf('s1'));
    (await startedOnce(executor.started)).finish();
    await world.untilNoTaskIsLeft();
    await world.sendRepeated(taskOf('s1'));
    await world.untilNoTaskIsLeft();
    expect(executor.started).toHaveLength(1);
    // The server knows the id and has the message no more: it may have lost it, so it is said once more.
    const said = world.results();
    expect(said.length).toBeGreaterThan(0);
    for (const result of said) expect(result).toEqual(said[0]);
  });

  test('is reported under the claim of the task that asks again, which a database that was made again has changed', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, ...neverStarted });
    await world.send(taskOf('s1'));
    (await startedOnce(executor.started)).finish();
    await world.untilNoTaskIsLeft();
    await world.sendRepeated(taskOf('s1', { claim: 'another-claim' }));
    const claimed = () => world.results().filter((result) => 'claim' in result);
    await eventually(() => claimed().some(({ claim }) => claim === 'another-claim'));
    const [first, ...others] = claimed();
    for (const other of others) expect({ ...other, claim: 'claim-s1' }).toEqual(first);
    expect(executor.started).toHaveLength(1);
  });

  test('joins the execution that is under way in the same process', async () => {
    const executor = createManualExecutor();
    const steps = world.start({ registry: executor.registry, ...neverStarted });
    await world.send(taskOf('s1'));
    const step = await startedOnce(executor.started);
    await world.sendRepeated(taskOf('s1'));
    await eventually(() => steps.inFlightCount === 2);
    step.finish();
    await world.untilNoTaskIsLeft();
    expect(executor.started).toHaveLength(1);
  });

  test('is reported as begun before it is begun again', async () => {
    const executor = createManualExecutor();
    await world.send(taskOf('s1'));
    world.start({ registry: executor.registry, ...neverStarted });
    const step = await startedOnce(executor.started);
    await eventually(() => world.reports.some(({ type }) => type === 'step.started'));
    step.finish();
    await world.untilNoTaskIsLeft();
  });

  test('is reported as begun once, and executed once, though nats-server is killed before the log has the report', async () => {
    const executor = createManualExecutor();
    await world.send(taskOf('s1'));
    world.start({ registry: executor.registry, ...neverStarted, echoWaitMs: 60_000 });
    const begun = await eventually(() => world.reports.find(({ type }) => type === 'step.started'));
    for (let count = 0; count < 2; count += 1) {
      await world.bus.kill();
      await world.bus.restart();
      await eventually(() => world.bus.connection.status === 'connected');
      // Delivered again, to the same process.
      await world.sendRepeated(taskOf('s1'));
    }
    expect(executor.started).toEqual([]);
    const { beginning, startedAt, worker } = begun as Extract<
      (typeof world.reports)[number],
      { type: 'step.started' }
    >;
    await world.happen({ type: 'step.started', stepId: 's1', attempt: 1, beginning, startedAt, worker });
    (await startedOnce(executor.started)).finish();
    await world.untilNoTaskIsLeft();
    expect(executor.started).toHaveLength(1);
    // A report whose acknowledgement died with the server is sent, and may be heard, once more.
    const beginnings = world.reports.flatMap((each) => (each.type === 'step.started' ? each.beginning : []));
    expect([...new Set(beginnings)]).toEqual([beginning]);
  });

  test('is not begun again when its result has come into the queue meanwhile, and nobody is there to take it', async () => {
    const executor = createManualExecutor();
    await world.hearNothing();
    await world.send(taskOf('s1'));
    world.start({ registry: executor.registry, ...neverStarted, echoWaitMs: 1_000 });
    const subject = `wf.task.resume.step.default.${currentRunId()}.s1`;
    await eventually(async () => (await readLast(world.bus.connection, TASKS, subject)) !== undefined);
    const { workspace, runId, stepId, attempt, claim } = taskOf('s1');
    const at = Date.now();
    const about = {
      workspace,
      runId,
      stepId,
      attempt,
      claim,
      worker: 'worker-2',
      startedAt: at,
      finishedAt: at,
    };
    await world.bus.publisher.publish(
      encodeStepReport({ ...about, type: 'step.succeeded', output: 1 }, 'worker'),
    );
    await eventually(
      async () => (await readLast(world.bus.connection, TASKS, 'wf.task.step.>')) === undefined,
    );
    expect(executor.started).toEqual([]);
    await world.hearAgain();
  });

  test('is not begun again when its end, which the log had lost, comes back into it', async () => {
    const executor = createManualExecutor();
    await world.send(taskOf('s1'));
    world.start({ registry: executor.registry, ...neverStarted, echoWaitMs: 60_000 });
    await eventually(() => world.reports.some(({ type }) => type === 'step.started'));
    await world.happen({ type: 'step.succeeded', stepId: 's1', attempt: 1, output: {} });
    await world.untilNoTaskIsLeft();
    expect(executor.started).toEqual([]);
  });
});

describe('messages that keep no contract', () => {
  test('are kept as dead letters, and the next task is executed', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, ...neverStarted });
    await world.sendRaw(`wf.task.step.default.${currentRunId()}.s1`, 'not JSON at all \u0000');
    await world.sendRaw(`wf.task.step.default.${currentRunId()}.s2`, '{"runId":"r1"}');
    await world.sendRaw(`wf.task.step.default.${currentRunId()}.s3`, JSON.stringify(taskOf('another')));
    await world.sendRaw(`wf.task.step.default.${currentRunId()}.s4`, JSON.stringify(taskOf('s4')), '999');
    await world.sendRaw(`wf.task.step.default.${currentRunId()}.s5.too.long`, '{}');
    await world.send(taskOf('good'));
    (await startedOnce(executor.started)).finish();
    await world.untilNoTaskIsLeft();
    await eventually(() => world.deadLetters.length === 5);
    expect(world.deadLetters.map(({ code }) => code)).toEqual(Array(5).fill('CONTRACT'));
    expect(world.deadLetters.map(({ subject }) => subject).sort()).toEqual([
      `wf.task.step.default.${currentRunId()}.s1`,
      `wf.task.step.default.${currentRunId()}.s2`,
      `wf.task.step.default.${currentRunId()}.s3`,
      `wf.task.step.default.${currentRunId()}.s4`,
      `wf.task.step.default.${currentRunId()}.s5.too.long`,
    ]);
    const first = world.deadLetters.find(({ subject }) => subject.endsWith('.s1'));
    expect(Buffer.from(first?.payload ?? '', 'base64').toString()).toBe('not JSON at all \u0000');
    expect(executor.started.map(({ task }) => task.stepId)).toEqual(['good']);
  });
});

describe('concurrency', () => {
  test('at most so many steps are claimed as the bound allows', async () => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, concurrency: 3, ...neverStarted });
    const ids = Array.from({ length: 12 }, (_, index) => `s${index}`);
    await world.send(...ids.map((id) => taskOf(id)));
    for (let index = 0; index < ids.length; index += 1) {
      (await eventually(() => executor.started[index])).finish();
    }
    await world.untilNoTaskIsLeft();
    expect(executor.maxRunning).toBeLessThanOrEqual(3);
    expect(world.results()).toHaveLength(12);
  });

  test('two workers share the steps and neither is executed twice', async () => {
    const one = createManualExecutor();
    const two = createManualExecutor();
    world.start({ registry: one.registry, concurrency: 2, workerName: 'one', ...neverStarted });
    world.start({ registry: two.registry, concurrency: 2, workerName: 'two', ...neverStarted });
    await world.send(...['a', 'b', 'c', 'd'].map((id) => taskOf(id)));
    await eventually(() => one.started.length === 2 && two.started.length === 2);
    for (const step of [...one.started, ...two.started]) step.finish();
    await world.untilNoTaskIsLeft();
    const stepIds = world.results().map((report) => ('stepId' in report ? report.stepId : ''));
    expect(stepIds.sort()).toEqual(['a', 'b', 'c', 'd']);
  });
});
