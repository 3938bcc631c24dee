import type { EventData } from '@signalbox/protocol';
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
const cancelled: EventData = { type: 'run.cancelled', actor: 'user:alice' };

describe('a step at work is aborted, not reported and acknowledged', () => {
  test.each<[string, EventData]>([
    ['its run is cancelled', cancelled],
    ['its run has timed out', { type: 'run.timed_out', error }],
    ['its run has failed', { type: 'run.failed', error }],
    ['its run has completed without it', { type: 'run.completed', output: null }],
    ['it is cancelled itself', { type: 'step.cancelled', stepId: 's1' }],
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

  test('when its run was cancelled before the worker listened', async () => {
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

test('steps of one run are each aborted by the one event', async () => {
  const executor = createManualExecutor();
  world.start({ registry: executor.registry, startedReportMs: 1, concurrency: 8 });
  await world.send(...['a', 'b', 'c', 'd', 'e'].map((id) => taskOf(id)));
  await eventually(() => executor.started.length === 5);
  await world.happen(cancelled);
  await eventually(() => executor.started.every(({ context }) => context.signal.aborted));
  await world.untilNoTaskIsLeft();
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
