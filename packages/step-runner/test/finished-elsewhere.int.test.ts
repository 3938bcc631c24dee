/** A result that its server has lost, and a worker that knows it: nobody executes that attempt again. */
import { eventually } from '@signalbox/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createManualExecutor, type StepWorld, startStepWorld, taskOf } from './step-world.js';

let world: StepWorld;
beforeAll(async () => {
  world = await startStepWorld();
});
afterEach(() => world.clear());
afterAll(() => world.stop());

const neverStarted = { startedReportMs: 3_600_000 };

test('a task that comes to somebody else is not begun there, and its result is reported again', async () => {
  const one = createManualExecutor();
  const other = createManualExecutor();
  world.start({ registry: one.registry, concurrency: 1, workerName: 'one', ...neverStarted });
  await world.send(taskOf('done'));
  (await eventually(() => one.started[0])).finish();
  await world.untilNoTaskIsLeft();
  // It has no place for another one.
  await world.send(taskOf('busy'));
  const busy = await eventually(() => one.started[1]);

  world.start({ registry: other.registry, workerName: 'other', ...neverStarted });
  await world.sendRepeated(taskOf('done', { claim: 'claim-new' }));
  const reportsOf = () =>
    world.results().flatMap((each) => ('claim' in each && each.stepId === 'done' ? [each.claim] : []));
  await eventually(() => reportsOf().includes('claim-new'), { describe: 'the result is there again' });
  await world.happen({ type: 'step.succeeded', stepId: 'done', attempt: 1, output: {} });
  busy.finish();
  await world.untilNoTaskIsLeft();
  expect(other.started).toEqual([]);
  expect(reportsOf()[0]).toBe('claim-done');
});
