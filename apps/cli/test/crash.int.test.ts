/** Every process is killed under load, one after the other. Nothing is lost, nothing is done twice. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  audit,
  eventually,
  foldedRun,
  readLog,
  readStored,
  type ServiceName,
  startWorld,
  type World,
} from '@signalbox/testing';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApprover } from './support/approver.js';
import { scriptedAgent, tenSteps, workerStepCount } from './support/definitions.js';

const runCount = 50;
const workerEnv = { SIGNALBOX_WORKER_CONCURRENCY: '4' };

let world: World;
let runIds: string[] = [];

const databaseFile = (): string => join(world.dataDir, 'orchestrator.sqlite');

const succeededCount = (): number => {
  const database = new Database(databaseFile(), { readonly: true, fileMustExist: true });
  const row = database
    .prepare("SELECT count(*) AS count FROM workflow_run_events WHERE type = 'step.succeeded'")
    .get() as { count: number };
  database.close();
  return row.count;
};

const again =
  (name: ServiceName, label: string = name, env = {}) =>
  async (): Promise<void> => {
    await world.kill(label);
    await world.start(name, label, env);
  };

const natsAgain = async (): Promise<void> => {
  await world.killNats();
  await world.restartNats();
};

/** One at a time, each while work is under way: after a further share of the steps has been completed. */
const victims: readonly (readonly [string, () => Promise<void>])[] = [
  ['orchestrator', again('orchestrator')],
  ['worker-1', again('step-worker', 'worker-1', workerEnv)],
  ['nats-server', natsAgain],
  ['api', again('api')],
  ['approval-service', again('approval-service')],
  ['worker-2', again('step-worker', 'worker-2', workerEnv)],
  ['orchestrator, a second time', again('orchestrator')],
];

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'approval-service', 'api']);
  await world.start('step-worker', 'worker-1', workerEnv);
  await world.start('step-worker', 'worker-2', workerEnv);
  await world.call('PUT', '/api/v1/agents/tester', scriptedAgent(100));
  await world.call('POST', '/api/v1/workflows', tenSteps);
  const started = await Promise.all(
    Array.from({ length: runCount }, () =>
      world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', { workflow: 'ten-steps', input: {} }),
    ),
  );
  runIds = started.map(({ runId }) => runId);
  const approver = startApprover(world);
  const total = runCount * workerStepCount;
  for (const [index, [name, strike]] of victims.entries()) {
    const share = ((index + 1) * total) / (victims.length + 3);
    await eventually(() => succeededCount() >= share, {
      timeoutMs: 120_000,
      describe: () => `${share} completed steps before ${name} is killed; there are ${succeededCount()}`,
    });
    await strike();
  }
  await eventually(
    async () => {
      const { items } = await world.call<{ items: unknown[] }>(
        'GET',
        '/api/v1/workflow-runs?status=COMPLETED&limit=100',
      );
      return items.length === runCount;
    },
    { timeoutMs: 240_000, describe: 'all runs complete' },
  );
  await approver.stop();
}, 480_000);

afterAll(() => world?.stop());

describe('after kill -9 of every process and of nats-server, one after the other, under 50 runs', () => {
  test('no step was completed twice, each history is gap-free, and folding it gives the state in SQLite', async () => {
    const log = await readLog(world.natsUrl);
    for (const runId of runIds) {
      const { sequences, completionsByStep, state } = audit(log.get(runId) ?? []);
      expect(sequences, `history of ${runId}`).toEqual(sequences.map((_, index) => index + 1));
      expect([...completionsByStep.values()].every((count) => count === 1)).toBe(true);
      // The approval is a step, too.
      expect(completionsByStep.size).toBe(workerStepCount + 1);
      const stored = readStored(databaseFile(), runId);
      expect(foldedRun(state)).toEqual(stored);
      expect(stored.status).toBe('COMPLETED');
    }
  });

  test('the read model gives the same answers after its database was deleted', async () => {
    const answers = async () => ({
      runs: await world.call('GET', '/api/v1/workflow-runs?limit=100'),
      workflows: await world.call('GET', '/api/v1/workflows'),
      approvals: await world.call('GET', '/api/v1/workflow-approvals?limit=100'),
      details: await Promise.all(
        runIds.slice(0, 5).map((runId) => world.call('GET', `/api/v1/workflow-runs/${runId}`)),
      ),
      events: await world.call('GET', `/api/v1/workflow-runs/${runIds[0]}/events?limit=100`),
    });
    const before = await answers();
    await world.stopOne('api');
    for (const suffix of ['', '-wal', '-shm'])
      await rm(join(world.dataDir, `api.sqlite${suffix}`), { force: true });
    await world.start('api');
    await eventually(async () => (await fetch(`${world.apiUrl}/readyz`)).ok, {
      describe: 'the api has caught up',
    });
    expect(await answers()).toEqual(before);
  });
});
