import { type EventData, eventSubjects } from '@signalbox/protocol';
import { eventually } from '@signalbox/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createManualExecutor, type StepWorld, startStepWorld, taskOf } from './step-world.js';

let world: StepWorld;
beforeAll(async () => {
  world = await startStepWorld();
});
afterEach(() => world.clear());
afterAll(() => world.stop());

const error = { code: 'STEP_TIMEOUT', message: 'm', retryable: true };
const cancelled: EventData = { type: 'step.cancelled', stepId: 's1' };

describe('a step at work is aborted, not reported and acknowledged', () => {
  test.each<[string, EventData]>([
    ['it is cancelled, by itself or with its run', { type: 'step.cancelled', stepId: 's1' }],
    ['the orchestrator has failed its attempt', { type: 'step.failed', stepId: 's1', attempt: 1, error }],
  ])('when %s', async (_why, fact) => {
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, startedReportMs: 1 });
    await world.send(taskOf('s1'));
    const step = await eventually(() => executor.started[0]);
    await world.happen(fact);
    await eventually(() => step.context.signal.aborted);
    await world.untilNoTaskIsLeft();
    expect(world.results()).toEqual([]);
  });

  test('when it was cancelled before the worker listened', async () => {
    await world.happen(cancelled);
    const executor = createManualExecutor();
    world.start({ registry: executor.registry, startedReportMs: 1 });
    await world.send(taskOf('s1'));
    const step = await eventually(() => executor.started[0]);
    await eventually(() => step.context.signal.aborted);
    await world.untilNoTaskIsLeft();
    expect(world.results()).toEqual([]);
  });
});

test('facts about other runs, steps and earlier attempts abort nothing', async () => {
  const executor = createManualExecutor();
  world.start({ registry: executor.registry, startedReportMs: 1 });
  await world.send(taskOf('s1', { attempt: 2 }), taskOf('last'));
  await eventually(() => executor.started.length === 2);
  await eventually(() => world.reports.filter(({ type }) => type === 'step.started').length === 2);
  await world.happen({ type: 'step.failed', stepId: 's1', attempt: 1, error });
  await world.happen({ type: 'step.cancelled', stepId: 'other' });
  await world.happen({ type: 'run.paused', actor: 'user:alice' });
  // The same subscription brings this one last: what was said before has been heard by then.
  await world.happen({ type: 'step.cancelled', stepId: 'last' });
  await eventually(() => executor.started.find(({ task }) => task.stepId === 'last')?.context.signal.aborted);
  const step = executor.started.find(({ task }) => task.stepId === 's1');
  expect(step?.context.signal.aborted).toBe(false);
  step?.finish();
  await eventually(() => world.results().length === 1);
});

test('what is only said, and does not stand last in the log of the step, aborts nothing', async () => {
  const executor = createManualExecutor();
  world.start({ registry: executor.registry, startedReportMs: 1 });
  await world.send(taskOf('s1'));
  const step = await eventually(() => executor.started[0]);
  await eventually(() => world.reports.some(({ type }) => type === 'step.started'));
  await world.happen({ type: 'run.cancelled', actor: 'user:mallory' });
  await world.happen(
    { type: 'step.cancelled', stepId: 's1' },
    eventSubjects.step('default', 'another', 's1'),
  );
  await world.happen({ type: 'step.retry_scheduled', stepId: 's1', attempt: 1, dueAt: 1 });
  step.finish();
  await world.untilNoTaskIsLeft();
  await eventually(() => world.results().length === 1);
  expect(step.context.signal.aborted).toBe(false);
});

test('an executor that ignores its signal loses its slot after the grace time, and its late result is not reported', async () => {
  const executor = createManualExecutor({ ignoresAbort: true });
  world.start({ registry: executor.registry, startedReportMs: 1, abortGraceMs: 50, concurrency: 1 });
  await world.send(taskOf('stubborn'));
  const stubborn = await eventually(() => executor.started[0]);
  await world.happen({ type: 'step.cancelled', stepId: 'stubborn' });
  await world.untilNoTaskIsLeft();
  await world.send(taskOf('next'));
  const next = await eventually(() => executor.started[1]);
  stubborn.finish();
  next.finish();
  await eventually(() => world.results().length === 1);
  expect(world.results()).toMatchObject([{ stepId: 'next' }]);
});
