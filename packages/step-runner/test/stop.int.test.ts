import { readLast } from '@signalbox/messaging';
import { consumers, TASKS, taskSubjects } from '@signalbox/protocol';
import { eventually } from '@signalbox/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createManualExecutor, currentRunId, type StepWorld, startStepWorld, taskOf } from './step-world.js';

let world: StepWorld;
beforeAll(async () => {
  world = await startStepWorld();
});
afterEach(() => world.clear());
afterAll(() => world.stop());

const stepIds = () => world.results().map((report) => ('stepId' in report ? report.stepId : ''));

test('a stop lets steps at work finish, claims nothing more, and another worker does the rest', async () => {
  const first = createManualExecutor();
  const steps = world.start({ registry: first.registry, concurrency: 2 });
  await world.send(...['a', 'b', 'c', 'd', 'e'].map((id) => taskOf(id)));
  await eventually(() => first.started.length === 2);
  const stopped = steps.stop({ graceMs: 20_000 });
  for (const step of [...first.started]) step.finish();
  await stopped;
  expect(first.started).toHaveLength(2);
  expect(stepIds()).toHaveLength(2);

  const second = createManualExecutor();
  world.start({ registry: second.registry, concurrency: 8 });
  await eventually(() => second.started.length === 3);
  for (const step of [...second.started]) step.finish();
  await world.untilNoTaskIsLeft();
  expect(stepIds().sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('a task that is being judged when the stop is ordered is not begun, and goes to another worker', async () => {
  const first = createManualExecutor();
  // Judged when the connection has lasted for so long.
  const steps = world.start({ registry: first.registry, settlingMs: 2_000 });
  await world.sendRepeated(taskOf('a'));
  await eventually(() => steps.inFlightCount === 1);
  await steps.stop({ graceMs: 20_000 });
  expect(first.started).toEqual([]);

  const second = createManualExecutor();
  world.start({ registry: second.registry, workerName: 'worker-2', settlingMs: 10, echoWaitMs: 10 });
  (await eventually(() => second.started[0])).finish();
  await world.untilNoTaskIsLeft();
  expect(world.results()).toMatchObject([{ stepId: 'a', worker: 'worker-2' }]);
});

test('a step that outlasts the grace time is aborted, goes back unreported, and another worker does it', async () => {
  const first = createManualExecutor();
  const steps = world.start({ registry: first.registry });
  await world.send(taskOf('a'));
  const step = await eventually(() => first.started[0]);
  await steps.stop({ graceMs: 0 });
  expect(step.context.signal.aborted).toBe(true);
  expect(world.results()).toEqual([]);

  const second = createManualExecutor();
  world.start({ registry: second.registry, workerName: 'worker-2' });
  (await eventually(() => second.started[0])).finish();
  await world.untilNoTaskIsLeft();
  expect(world.results()).toMatchObject([{ stepId: 'a', worker: 'worker-2' }]);
});

test('a beginning that was reported and is cut short by a stop is reported as given back, the first and each later one', async () => {
  await world.send(taskOf('a'));
  // The log that the beginnings wait for.
  let heardCount = 0;
  const note = setInterval(() => {
    for (const report of world.reports.slice(heardCount)) {
      heardCount += 1;
      if (report.type !== 'step.started') continue;
      const { stepId, attempt, beginning, startedAt, worker } = report;
      void world.happen({ type: 'step.started', stepId, attempt, beginning, startedAt, worker });
    }
  }, 20);
  for (let count = 1; count <= 3; count += 1) {
    const executor = createManualExecutor();
    const steps = world.start({ registry: executor.registry, startedReportMs: 50, workerName: `w${count}` });
    await eventually(() => executor.started.length === 1 && world.reports.at(-1)?.type === 'step.started');
    await steps.stop({ graceMs: 0 });
    await eventually(() => world.reports.length >= 2 * count);
  }
  clearInterval(note);
  // Stopped before the log has its beginning: it is not executed, and given back all the same.
  const last = createManualExecutor();
  const waiting = world.start({ registry: last.registry, echoWaitMs: 60_000, workerName: 'w4' });
  await eventually(() => world.reports.at(-1)?.type === 'step.started');
  await waiting.stop({ graceMs: 0 });
  await eventually(() => world.reports.length >= 8);
  expect(last.started).toEqual([]);
  const said = world.reports.map(({ type, ...report }) => ({ type, ...report }));
  expect(said.map(({ type }) => type)).toEqual(
    Array.from({ length: 4 }, () => ['step.started', 'step.given_back']).flat(),
  );
  for (const [index, report] of said.entries())
    if (report.type === 'step.given_back')
      expect(report).toEqual({ ...said[index - 1], type: 'step.given_back' });
});

test("an agent's consumer gets the tasks of its workspace alone", async () => {
  const executor = createManualExecutor();
  world.start({ registry: executor.registry, consumer: consumers.agent('default') });
  await world.sendRaw(
    `wf.task.agent.other.${currentRunId()}.s1`,
    JSON.stringify(taskOf('s1', { workspace: 'other' })),
  );
  await world.sendRaw(`wf.task.agent.default.${currentRunId()}.s2`, JSON.stringify(taskOf('s2')));
  (await eventually(() => executor.started[0])).finish();
  await eventually(() => world.results().length === 1);
  expect(stepIds()).toEqual(['s2']);
});

test('a result that is ready while the server is away is stored when it is back', async () => {
  const executor = createManualExecutor();
  world.start({ registry: executor.registry, startedReportMs: 3_600_000 });
  await world.send(taskOf('a'));
  const step = await eventually(() => executor.started[0]);
  await world.bus.kill();
  step.finish();
  await world.bus.restart();
  // Reported once more when the server is back, in case that it has lost it: the same word, of one execution.
  const results = () => world.results().filter(({ runId }) => runId === currentRunId());
  await eventually(() => results().length > 0);
  // What other tests had acknowledged may be back after the kill; this task must not be.
  const subject = taskSubjects.step('default', currentRunId(), 'a');
  await eventually(async () => (await readLast(world.bus.connection, TASKS, subject)) === undefined);
  expect(new Set(results().map((result) => JSON.stringify(result))).size).toBe(1);
  expect(executor.started.filter(({ task }) => task.runId === currentRunId())).toHaveLength(1);
});
