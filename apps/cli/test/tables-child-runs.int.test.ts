/** What a run and its child runs do to each other: cancelling goes down, a failure goes up. */
import { eventually, startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ended,
  eventsOf,
  mustCreate,
  putAgent,
  type Run,
  runs,
  runsWithAnswerOf,
  runWhere,
  type State,
  startRun,
  stepOf,
  workflowSource,
} from './support/tables-platform.js';

let world: World;

const child = (workflow: string, more: State = {}): State => ({
  name: 'child',
  type: 'workflow',
  workflow,
  input: {},
  ...more,
});
const hold: State = { name: 'hold', type: 'signal', signal: 'go', timeoutSeconds: 600 };
const noWay: State = {
  name: 'choose',
  type: 'switch',
  conditions: [{ if: '1 > 2', next: 'never' }],
};
const never: State = { name: 'never', type: 'inject', data: 0 };

const create = (id: string, ...states: State[]): Promise<unknown> =>
  mustCreate(world, workflowSource(id, states));

/** The run that the state "child" has started, once it is in the status. */
const childOf = async (runId: string, status: string): Promise<Run> => {
  const parent = await runWhere(world, runId, 'the child run has been started', (run) =>
    run.steps.some(({ childRunId }) => childRunId !== null),
  );
  return runWhere(
    world,
    stepOf(parent, 'child').childRunId ?? '',
    `the child run is ${status}`,
    (run) => run.status === status,
  );
};

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'api', 'step-worker']);
  await putAgent(world, 'sleeper', { answers: [{ output: { slept: true }, latencyMs: 600_000 }] });
  await create('sleeps', runs('sleep', 'sleeper', { task: 'Sleep' }));
  await create('runs-sleeps', child('sleeps'));
  await create('runs-runs-sleeps', child('runs-sleeps'));
  await create('holds', hold);
  await create('fails', noWay, never);
  await create('runs-fails', child('fails'));
});

afterAll(() => world?.stop());

describe('cancelling a run', () => {
  test('cancels its child run and the child run of that, and what is in flight there is aborted', async () => {
    const top = await startRun(world, 'runs-runs-sleeps');
    const middle = await childOf(top, 'RUNNING');
    const bottom = await childOf(middle.runId, 'RUNNING');
    expect(middle.parent).toMatchObject({ runId: top });
    expect(bottom.parent).toMatchObject({ runId: middle.runId });
    await runWhere(world, bottom.runId, 'the agent is at work', (run) =>
      run.steps.some(({ startedAt }) => startedAt !== null),
    );

    await world.call('POST', `/api/v1/workflow-runs/${top}/cancel`, { reason: 'enough' });

    for (const [runId, state] of [
      [top, 'child'],
      [middle.runId, 'child'],
      [bottom.runId, 'sleep'],
    ] as const) {
      const run = await ended(world, runId);
      expect(run.status).toBe('CANCELLED');
      expect(stepOf(run, state).status).toBe('CANCELLED');
      const types = (await eventsOf(world, runId)).map(({ type }) => type);
      expect(types.filter((type) => type === 'run.cancelled')).toHaveLength(1);
    }
    await eventually(
      () =>
        world
          .processOf('step-worker')
          .lines.some((line) => line.includes('a step has been stopped') && line.includes(bottom.runId)),
      { describe: 'the worker has stopped the step' },
    );
    expect(runsWithAnswerOf(world, 'step-worker', 'sleeper')).toEqual([]);
  });

  test('cancels the child runs of every branch and iteration', async () => {
    const branches = ['left', 'right'].map((name) => ({ name, states: [child('holds', { end: true })] }));
    const iterator = { states: [child('holds', { end: true })] };
    await create('holds-in-scopes', { name: 'both', type: 'parallel', branches });
    await create('holds-for-each', {
      name: 'each',
      type: 'foreach',
      itemsPath: 'items',
      maxConcurrency: 3,
      iterator,
    });
    const started = [
      { runId: await startRun(world, 'holds-in-scopes'), count: 2 },
      { runId: await startRun(world, 'holds-for-each', { items: [1, 2, 3] }), count: 3 },
    ];
    for (const { runId, count } of started) {
      const parent = await runWhere(
        world,
        runId,
        `${count} child runs are named`,
        (run) => run.steps.filter(({ childRunId }) => childRunId !== null).length === count,
      );
      const children = parent.steps.flatMap(({ childRunId }) => childRunId ?? []);
      for (const each of children)
        await runWhere(world, each, 'the child waits', (run) => run.status === 'WAITING_SIGNAL');
      await world.call('POST', `/api/v1/workflow-runs/${runId}/cancel`, {});
      for (const each of children) expect((await ended(world, each)).status).toBe('CANCELLED');
    }
  });

  test('leaves a child run alone that it does not wait for', async () => {
    await create('detaches', child('holds', { wait: false }), hold);
    const runId = await startRun(world, 'detaches');
    const detached = await childOf(runId, 'WAITING_SIGNAL');
    await world.call('POST', `/api/v1/workflow-runs/${runId}/cancel`, {});
    expect((await ended(world, runId)).status).toBe('CANCELLED');
    await world.call('POST', `/api/v1/workflow-runs/${detached.runId}/signals/go`, { payload: 'on' });
    expect(await ended(world, detached.runId)).toMatchObject({
      status: 'COMPLETED',
      output: { steps: { hold: 'on' } },
    });
  });
});

describe('a child run that does not complete', () => {
  test("fails its parent's state with the child's error, which says which child", async () => {
    const run = await ended(world, await startRun(world, 'runs-fails'));
    expect(run).toMatchObject({ status: 'FAILED', error: { code: 'NO_MATCHING_CONDITION' } });
    const step = stepOf(run, 'child');
    const failed = await ended(world, step.childRunId ?? '');
    expect(failed).toMatchObject({ status: 'FAILED', error: { code: 'NO_MATCHING_CONDITION' } });
    expect(step).toMatchObject({ status: 'FAILED', error: { code: 'NO_MATCHING_CONDITION' } });
    for (const part of [failed.runId, '"fails"', failed.error?.message ?? 'no message'])
      expect(step.error?.message).toContain(part);
    expect(run.error?.message).toContain('"child"');
  });

  test('fails every run above it, and may be caught by any of them', async () => {
    await create('runs-runs-fails', child('runs-fails'));
    await create(
      'catches-grandchild',
      child('runs-fails', {
        catch: [{ errors: ['NO_MATCHING_CONDITION'], next: 'rescue', resultPath: 'problem' }],
        end: true,
      }),
      { name: 'rescue', type: 'inject', data: '{{ problem.code }}', resultPath: 'rescued' },
    );
    expect(await ended(world, await startRun(world, 'runs-runs-fails'))).toMatchObject({
      status: 'FAILED',
      error: { code: 'NO_MATCHING_CONDITION' },
    });
    expect(await ended(world, await startRun(world, 'catches-grandchild'))).toMatchObject({
      status: 'COMPLETED',
      output: { rescued: 'NO_MATCHING_CONDITION' },
    });
  });

  test("fails its parent's state with CANCELLED when it was cancelled by itself", async () => {
    await create('runs-holds', child('holds'));
    const runId = await startRun(world, 'runs-holds');
    const held = await childOf(runId, 'WAITING_SIGNAL');
    await world.call('POST', `/api/v1/workflow-runs/${held.runId}/cancel`, {});
    const run = await ended(world, runId);
    expect(run).toMatchObject({ status: 'FAILED', error: { code: 'CANCELLED' } });
    expect(stepOf(run, 'child')).toMatchObject({ status: 'FAILED', error: { code: 'CANCELLED' } });
  });
});
