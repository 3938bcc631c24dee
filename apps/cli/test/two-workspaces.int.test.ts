/** Two workspaces of one platform use the same run ids, keys and signal ids, and neither notices the other. */
import { join } from 'node:path';
import {
  audit,
  copyDatabase,
  dropDatabase,
  eventually,
  foldedRun,
  readLog,
  readStored,
  startWorld,
  tablesOf,
  type World,
} from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scriptedAgent } from './support/definitions.js';
import { cliScript, noServerOfItsOwn } from './support/stores.js';
import { type SecondApi, startSecondApi } from './support/tables-second-api.js';

const runs = '/api/v1/workflow-runs';
const names = ['default', 'other'] as const;
type Workspace = (typeof names)[number];
const runIds = ['one', 'two', 'three'];
const key = 'order-66';

const task = (name: string) => ({
  name,
  type: 'operation',
  action: 'agent.run',
  input: { agent: 'tester', task: name },
  resultPath: name,
});

/** Steps around an approval and a signal; its output says in which workspace it ran. */
const workflowOf = (workspace: Workspace): string =>
  JSON.stringify({
    id: 'pair',
    version: '1',
    name: 'pair',
    start: 'first',
    states: [
      { ...task('first'), next: 'ask' },
      {
        name: 'ask',
        type: 'operation',
        action: 'human.approval',
        input: { message: 'ok?', allowRequester: true },
        next: 'hold',
      },
      { name: 'hold', type: 'signal', signal: 'go', timeoutSeconds: 3600, resultPath: 'go', next: 'second' },
      { ...task('second'), next: 'where' },
      { name: 'where', type: 'inject', data: workspace, resultPath: 'where', end: true },
    ],
  });

interface Run {
  readonly runId: string;
  readonly status: string;
  readonly output?: { readonly where?: string; readonly go?: unknown };
}

let world: World;
let other: SecondApi;

const file = (name = 'orchestrator.sqlite'): string => join(world.dataDir, name);

const ask = async <T>(
  workspace: Workspace,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly body: T }> => {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${workspace === 'default' ? world.apiUrl : other.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-signalbox-actor': 'user:bob', ...headers },
    ...(text === undefined ? {} : { body: text }),
  });
  return { status: response.status, body: (await response.json()) as T };
};

const statusOf = async (workspace: Workspace, runId: string): Promise<string> =>
  (await ask<Run>(workspace, 'GET', `${runs}/${runId}`)).body.status;

const becomes = (workspace: Workspace, runId: string, status: string): Promise<true> =>
  eventually(async () => (await statusOf(workspace, runId)) === status, {
    timeoutMs: 120_000,
    describe: `${workspace}/${runId} becomes ${status}`,
  });

const approve = async (workspace: Workspace, runId: string): Promise<void> => {
  const path = `${runs}/${runId}/approvals`;
  const { body } = await ask<{ items: { approvalId: string }[] }>(workspace, 'GET', path);
  const [{ approvalId } = { approvalId: '' }] = body.items;
  expect((await ask(workspace, 'POST', `${path}/${approvalId}/approve`, {})).status).toBe(200);
};

const signal = async (workspace: Workspace, runId: string): Promise<void> => {
  const body = { payload: { to: workspace }, signalId: 'signal-1' };
  expect((await ask(workspace, 'POST', `${runs}/${runId}/signals/go`, body)).status).toBe(200);
};

/** The history in the log is without a gap, and folding it gives the rows. */
const isWhole = async (workspace: Workspace, runId: string): Promise<void> => {
  const { sequences, state } = audit((await readLog(world.natsUrl, workspace)).get(runId) ?? []);
  expect(sequences.length).toBeGreaterThan(3);
  expect(sequences, `${workspace}/${runId}`).toEqual(sequences.map((_, index) => index + 1));
  const stored = readStored(file(), runId, workspace);
  expect(foldedRun(state)).toEqual(stored);
};

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'approval-service', 'api', 'step-worker'], {
    workspaces: ['other'],
  });
  other = await startSecondApi(world, 'other');
  for (const workspace of names) {
    const agent = await ask(workspace, 'PUT', '/api/v1/agents/tester', scriptedAgent(5));
    const workflow = await ask(workspace, 'POST', '/api/v1/workflows', workflowOf(workspace));
    expect([agent.status, workflow.status]).toEqual([201, 201]);
  }
});

afterAll(async () => {
  await other?.stop();
  await world?.stop();
});

describe('the same run ids and keys in two workspaces', () => {
  const keyed = new Map<Workspace, string>();

  test('start a run in each', async () => {
    for (const workspace of names) {
      for (const runId of runIds) {
        const start = await ask<Run>(workspace, 'POST', runs, { workflow: 'pair', runId });
        expect({ workspace, runId, status: start.status }).toEqual({ workspace, runId, status: 201 });
      }
      const byKey = { 'idempotency-key': key };
      const first = await ask<Run>(workspace, 'POST', runs, { workflow: 'pair' }, byKey);
      const again = await ask<Run>(workspace, 'POST', runs, { workflow: 'pair' }, byKey);
      expect([first.status, again.status, again.body.runId]).toEqual([201, 200, first.body.runId]);
      keyed.set(workspace, first.body.runId);
    }
    expect(keyed.get('default')).not.toBe(keyed.get('other'));
    for (const workspace of names)
      for (const runId of runIds) await becomes(workspace, runId, 'WAITING_APPROVAL');
    expect((await ask('other', 'GET', `${runs}/${keyed.get('default')}`)).status).toBe(404);
  });

  test('an approval, a signal and a cancel reach the run of their own workspace only', async () => {
    await approve('default', 'one');
    await becomes('default', 'one', 'WAITING_SIGNAL');
    expect((await ask('default', 'POST', `${runs}/two/cancel`, {})).status).toBe(200);
    expect(await statusOf('default', 'two')).toBe('CANCELLED');
    await signal('default', 'one');
    await becomes('default', 'one', 'COMPLETED');
    for (const runId of runIds) expect(await statusOf('other', runId)).toBe('WAITING_APPROVAL');
  });

  test('a copy of the database without the newest is completed from the log for both, and a lost one is made again', async () => {
    await world.kill('orchestrator');
    await copyDatabase(file(), file('old.sqlite'));
    await world.start('orchestrator');
    for (const workspace of names) {
      await approve(workspace, 'three');
      await becomes(workspace, 'three', 'WAITING_SIGNAL');
    }
    await world.kill('orchestrator');
    const before = tablesOf(file());
    await copyDatabase(file('old.sqlite'), file());
    await world.start('orchestrator');
    await becomes('other', 'three', 'WAITING_SIGNAL');
    await world.kill('orchestrator');
    expect(tablesOf(file())).toEqual(before);
    await dropDatabase(file());
    const rebuilt = world.spawn(cliScript, 'rebuild', noServerOfItsOwn, ['rebuild']);
    expect((await rebuilt.exited).code).toBe(0);
    expect(tablesOf(file())).toEqual(before);
    await world.start('orchestrator');
  });

  test('each ends as its own workspace says, whoever is killed meanwhile; every history is whole', async () => {
    for (const runId of ['one', 'two']) {
      await approve('other', runId);
      await becomes('other', runId, 'WAITING_SIGNAL');
    }
    const waiting = [
      ['other', 'one'],
      ['other', 'two'],
      ['other', 'three'],
      ['default', 'three'],
    ] as const;
    for (const [workspace, runId] of waiting) await signal(workspace, runId);
    await world.kill('orchestrator');
    await world.kill('step-worker');
    await Promise.all([world.start('orchestrator'), world.start('step-worker')]);
    for (const [workspace, runId] of waiting) await becomes(workspace, runId, 'COMPLETED');
    for (const workspace of names) {
      const { body } = await ask<Run>(workspace, 'GET', `${runs}/three`);
      expect(body.output).toMatchObject({ where: workspace, go: { to: workspace } });
      for (const runId of runIds) await isWhole(workspace, runId);
    }
    expect(await statusOf('default', 'two')).toBe('CANCELLED');
  });
});
