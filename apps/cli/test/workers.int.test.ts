/** What workers promise: a share for a second one, an orderly end, one execution of a finished or long step. */
import { audit, eventually, readLog, startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scriptedAgent } from './support/definitions.js';

let world: World;

const sequence = (id: string, agent: string, stepCount: number): string =>
  JSON.stringify({
    id,
    version: '1',
    name: id,
    start: 's1',
    states: Array.from({ length: stepCount }, (_, index) => ({
      name: `s${index + 1}`,
      type: 'operation',
      action: 'agent.run',
      input: { agent, task: 'work' },
      ...(index + 1 === stepCount ? { end: true } : { next: `s${index + 2}` }),
    })),
  });

const startRun = async (workflow: string): Promise<string> => {
  const { runId } = await world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', {
    workflow,
    input: {},
  });
  return runId;
};

const statusOf = async (runId: string): Promise<string> =>
  (await world.call<{ status: string }>('GET', `/api/v1/workflow-runs/${runId}`)).status;

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'api', 'step-worker']);
  await world.call('PUT', '/api/v1/agents/quick', scriptedAgent(80));
  await world.call('PUT', '/api/v1/agents/slow', scriptedAgent(25_000));
  await world.call('POST', '/api/v1/workflows', sequence('many-steps', 'quick', 10));
  await world.call('POST', '/api/v1/workflows', sequence('one-slow-step', 'slow', 1));
});

afterAll(() => world?.stop());

describe.concurrent('workers', () => {
  test('a second worker takes a share, and SIGTERM of one loses and repeats nothing', {
    timeout: 120_000,
  }, async () => {
    const runIds = await Promise.all(Array.from({ length: 30 }, () => startRun('many-steps')));
    await eventually(
      async () =>
        (await world.call<{ steps: { status: string }[] }>('GET', `/api/v1/workflow-runs/${runIds[0]}`)).steps
          .length > 1,
    );
    await world.start('step-worker', 'second', { SIGNALBOX_WORKER_NAME: 'second' });
    const workersOf = async (): Promise<Set<string>> => {
      const runs = await Promise.all(
        runIds.map((runId) =>
          world.call<{ steps: { worker: string | null }[] }>('GET', `/api/v1/workflow-runs/${runId}`),
        ),
      );
      return new Set(runs.flatMap((run) => run.steps.flatMap((step) => step.worker ?? [])));
    };
    // However long the second took to start, there is work that it finds.
    const share = async (): Promise<boolean> => {
      runIds.push(await startRun('many-steps'));
      return (await workersOf()).size >= 2;
    };
    await eventually(share, { describe: 'both workers have completed steps' });
    const { code } = await world.stopOne('second');
    expect(code).toBe(0);
    await eventually(
      async () => (await Promise.all(runIds.map(statusOf))).every((status) => status === 'COMPLETED'),
      {
        timeoutMs: 60_000,
        describe: 'all runs complete',
      },
    );
    const log = await readLog(world.natsUrl);
    for (const runId of runIds) {
      const { completionsByStep } = audit(log.get(runId) ?? []);
      expect([...completionsByStep.values()]).toEqual(Array(10).fill(1));
      const attempts = (log.get(runId) ?? []).filter((event) => event.data.type === 'step.scheduled').length;
      expect(attempts).toBe(10);
    }
  });

  test('a step of 25 seconds runs once although the ack wait is 10 seconds', {
    timeout: 180_000,
  }, async () => {
    const runId = await startRun('one-slow-step');
    await eventually(async () => (await statusOf(runId)) === 'COMPLETED', {
      timeoutMs: 150_000,
      describe: 'the slow run completes',
    });
    const events = (await readLog(world.natsUrl)).get(runId) ?? [];
    const count = (type: string): number => events.filter((event) => event.data.type === type).length;
    expect(count('step.scheduled')).toBe(1);
    expect(count('step.started')).toBe(1);
    expect(count('step.succeeded')).toBe(1);
  });
});
