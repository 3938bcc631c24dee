/** Both stores of one platform, lost, copied and compared. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, startWorld, type World } from '@signalbox/testing';
import Database from 'better-sqlite3';
import { scriptedAgent } from './definitions.js';

export const orchestratorScript = fileURLToPath(
  new URL('../../../orchestrator/dist/main.js', import.meta.url),
);
export const cliScript = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** For `signalbox rebuild` beside the platform's own nats-server. */
export const noServerOfItsOwn = { SIGNALBOX_NATS_EMBEDDED: 'false' };

/** A step, then a signal, then a step: a run that stands in the middle until it is told to go on. */
const stepSignalStep = JSON.stringify({
  id: 'held',
  version: '1',
  name: 'held',
  start: 'one',
  states: [
    {
      name: 'one',
      type: 'operation',
      action: 'agent.run',
      input: { agent: 'tester', task: 'one' },
      next: 'hold',
    },
    { name: 'hold', type: 'signal', signal: 'go', timeoutSeconds: 3600, resultPath: 'go', next: 'two' },
    {
      name: 'two',
      type: 'operation',
      action: 'agent.run',
      input: { agent: 'tester', task: 'two' },
      end: true,
    },
  ],
});

export interface Stores {
  readonly world: World;
  /** In the data folder; without a name the orchestrator's database. */
  file(name?: string): string;
  startRuns(count: number): Promise<string[]>;
  statusesOf(runIds: readonly string[]): Promise<string[]>;
  allBecome(runIds: readonly string[], status: string): Promise<void>;
  signalAll(runIds: readonly string[]): Promise<void>;
  /** What `startRuns` has started, until it stands at its signal. */
  standing(count: number): Promise<string[]>;
  finish(runIds: readonly string[]): Promise<void>;
  isReady(): Promise<void>;
  /** Of nats-server, which goes down and comes again for it. */
  keepNats(name: string): Promise<void>;
  bringNatsBack(name: string): Promise<void>;
}

const waitMs = 60_000;

/** A platform with a workflow that waits in its middle. */
export const openStores = async (env: Readonly<Record<string, string>> = {}): Promise<Stores> => {
  const world = await startWorld(['orchestrator', 'approval-service', 'api', 'step-worker'], { env });
  await world.call('PUT', '/api/v1/agents/tester', scriptedAgent(5));
  await world.call('POST', '/api/v1/workflows', stepSignalStep);
  const file: Stores['file'] = (name = 'orchestrator.sqlite') => join(world.dataDir, name);
  const startRuns: Stores['startRuns'] = async (count) => {
    const body = { workflow: 'held', input: {} };
    const start = () => world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', body);
    return (await Promise.all(Array.from({ length: count }, start))).map(({ runId }) => runId);
  };
  const statusOf = async (runId: string): Promise<string> => {
    const path = `/api/v1/workflow-runs/${runId}`;
    const failed = (error: Error) => ({ status: error.message });
    return (await world.call<{ status: string }>('GET', path).catch(failed)).status;
  };
  const statusesOf: Stores['statusesOf'] = (runIds) => Promise.all(runIds.map(statusOf));
  const allBecome: Stores['allBecome'] = async (runIds, status) => {
    let last: readonly string[] = [];
    const describe = () => `all ${status}: ${[...new Set(last)].join()}`;
    const isSo = async () => {
      last = await statusesOf(runIds);
      return last.every((one) => one === status);
    };
    await eventually(isSo, { timeoutMs: waitMs, intervalMs: 50, describe });
  };
  const signalAll: Stores['signalAll'] = async (runIds) => {
    for (const runId of runIds)
      await world.call('POST', `/api/v1/workflow-runs/${runId}/signals/go`, { payload: { ok: true } });
  };
  const swapNats = async (from: string, to: string): Promise<void> => {
    await world.killNats();
    await rm(to, { recursive: true, force: true });
    await cp(from, to, { recursive: true });
    await world.restartNats();
  };
  return {
    world,
    file,
    startRuns,
    statusesOf,
    allBecome,
    signalAll,
    standing: async (count) => {
      const runIds = await startRuns(count);
      await allBecome(runIds, 'WAITING_SIGNAL');
      return runIds;
    },
    finish: async (runIds) => {
      await signalAll(runIds);
      await allBecome(runIds, 'COMPLETED');
    },
    isReady: async () => {
      const ask = async () => (await fetch(`${world.apiUrl}/readyz`)).ok;
      await eventually(ask, { timeoutMs: waitMs, describe: 'the api is ready' });
    },
    keepNats: (name) => swapNats(file('nats'), file(name)),
    bringNatsBack: (name) => swapNats(file(name), file('nats')),
  };
};

/** Of a database that nobody has open. */
export const change = (path: string, sql: string, ...values: readonly unknown[]): void => {
  const database = new Database(path, { fileMustExist: true });
  try {
    database.prepare(sql).run(...values);
  } finally {
    database.close();
  }
};
