/** Either store is lost, older than the other, or somebody else's. Through the real processes. */
import { copyFile, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  eventually,
  type ProcessEnd,
  readLog,
  type SpawnedProcess,
  startWorld,
  type World,
} from '@signalbox/testing';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import { scriptedAgent, tenSteps } from './support/definitions.js';

const orchestratorScript = fileURLToPath(new URL('../../orchestrator/dist/main.js', import.meta.url));

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

let world: World;
afterEach(() => world?.stop());

const file = (name = 'orchestrator.sqlite'): string => join(world.dataDir, name);

const copyDatabase = async (from: string, to: string): Promise<void> => {
  for (const suffix of ['', '-wal', '-shm']) await rm(`${to}${suffix}`, { force: true });
  for (const suffix of ['', '-wal'])
    await copyFile(`${from}${suffix}`, `${to}${suffix}`).catch(() => undefined);
};

const query = <T>(sql: string, path = file()): T[] => {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    return database.prepare(sql).all() as T[];
  } finally {
    database.close();
  }
};

const startRuns = async (count: number): Promise<string[]> => {
  const started = await Promise.all(
    Array.from({ length: count }, () =>
      world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', { workflow: 'held', input: {} }),
    ),
  );
  return started.map(({ runId }) => runId);
};

const statusesOf = async (runIds: readonly string[]): Promise<string[]> =>
  Promise.all(
    runIds.map(async (runId) => {
      const run = await world
        .call<{ status: string }>('GET', `/api/v1/workflow-runs/${runId}`)
        .catch((error: Error) => ({ status: error.message }));
      return run.status;
    }),
  );

const allBecome = (runIds: readonly string[], status: string): Promise<unknown> => {
  let last: readonly string[] = [];
  return eventually(
    async () => {
      last = await statusesOf(runIds);
      return last.every((one) => one === status);
    },
    { timeoutMs: 60_000, intervalMs: 50, describe: () => `all ${status}: ${[...new Set(last)].join()}` },
  );
};

const signalAll = (runIds: readonly string[]): Promise<unknown> =>
  Promise.all(
    runIds.map((runId) =>
      world.call('POST', `/api/v1/workflow-runs/${runId}/signals/go`, { payload: { ok: true } }),
    ),
  );

const begin = async (): Promise<void> => {
  world = await startWorld(['orchestrator', 'approval-service', 'api', 'step-worker']);
  await world.call('PUT', '/api/v1/agents/tester', scriptedAgent(5));
  await world.call('POST', '/api/v1/workflows', stepSignalStep);
};

const isReady = (): Promise<unknown> =>
  eventually(async () => (await fetch(`${world.apiUrl}/readyz`)).ok, {
    timeoutMs: 60_000,
    describe: 'the api is ready',
  });

const endOf = (process: SpawnedProcess): Promise<ProcessEnd> => process.exited;

describe('NATS is lost', () => {
  test('a wiped store gets the whole log again, and what was waiting goes on', async () => {
    await begin();
    const runIds = await startRuns(10);
    await allBecome(runIds, 'WAITING_SIGNAL');
    await world.stopOne('step-worker');
    const queued = await startRuns(5);
    const before = await readLog(world.natsUrl);
    await world.killNats();
    await world.wipeNats();
    await world.restartNats();
    await eventually(() => world.logsOf('orchestrator').includes('published what the log lacked'), {
      timeoutMs: 30_000,
      describe: () => world.logsOf('orchestrator'),
    });
    await isReady();
    expect(await statusesOf(runIds)).toEqual(runIds.map(() => 'WAITING_SIGNAL'));
    const after = await readLog(world.natsUrl);
    expect(after).toEqual(before);
    await world.start('step-worker');
    await allBecome(queued, 'WAITING_SIGNAL');
    await signalAll([...runIds, ...queued]);
    await allBecome([...runIds, ...queued], 'COMPLETED');
  });

  test('a store that was wiped while nobody ran is filled at the next start', async () => {
    await begin();
    const runIds = await startRuns(5);
    await allBecome(runIds, 'WAITING_SIGNAL');
    await world.kill('orchestrator');
    await world.killNats();
    await world.wipeNats();
    await world.restartNats();
    await world.start('orchestrator');
    await isReady();
    await signalAll(runIds);
    await allBecome(runIds, 'COMPLETED');
  });
});

describe('the database is older than the log', () => {
  test('what it lacks is taken in from the log, and everything goes on', async () => {
    await begin();
    const old = await startRuns(3);
    await allBecome(old, 'WAITING_SIGNAL');
    await world.stopOne('orchestrator');
    await copyDatabase(file(), file('copy.sqlite'));
    await world.start('orchestrator');
    await signalAll(old);
    await allBecome(old, 'COMPLETED');
    const young = await startRuns(3);
    await allBecome(young, 'WAITING_SIGNAL');
    await world.kill('orchestrator');
    await copyDatabase(file('copy.sqlite'), file());
    await world.start('orchestrator');
    expect(world.logsOf('orchestrator')).toContain('the log was ahead of the database');
    expect(query('SELECT status FROM workflow_runs ORDER BY status')).toEqual([
      ...old.map(() => ({ status: 'COMPLETED' })),
      ...young.map(() => ({ status: 'WAITING_SIGNAL' })),
    ]);
    await signalAll(young);
    await allBecome([...old, ...young], 'COMPLETED');
  });

  test('a database that says something else than the log is refused, and told which run and what to do', async () => {
    await begin();
    const [runId = ''] = await startRuns(1);
    await allBecome([runId], 'WAITING_SIGNAL');
    await world.kill('orchestrator');
    const database = new Database(file());
    database.prepare('UPDATE workflow_run_events SET at = at + 1 WHERE seq = 3').run();
    database.exec('DELETE FROM log_marks');
    database.close();
    const again = world.spawn(orchestratorScript, 'again');
    expect((await endOf(again)).code).toBe(78);
    const said = again.lines.join('\n');
    expect(said).toContain(`event 3 of run ${runId}`);
    expect(said).toContain('signalbox rebuild');
  });
});

const cliScript = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** What no log can give back: keys, caches, the way of messages out, and counts of this process's own crashes. */
const unknownTables = [
  'settings',
  'migrations',
  'run_snapshots',
  'run_crashes',
  'outbox',
  'relay',
  'log_marks',
];

/** Every other table, row by row; positions count commits, and a rebuild commits in the order of the log. */
const tablesOf = (path: string): Record<string, unknown[]> => {
  const names = query<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    path,
  );
  return Object.fromEntries(
    names
      .filter(({ name }) => !unknownTables.includes(name))
      .map(({ name }) => {
        const rows = query<Record<string, unknown>>(`SELECT * FROM ${name}`, path).map((row) =>
          JSON.stringify({ ...row, position: 0 }),
        );
        return [name, rows.sort()];
      }),
  );
};

describe('the database is lost', () => {
  test('a start beside a full log is refused, and a rebuild makes every table again', async () => {
    await begin();
    await world.call('PUT', '/api/v1/teams', 'sre: [user:alice, user:bob]\n');
    await world.call('POST', '/api/v1/workflows', tenSteps);
    await world.call('PUT', '/api/v1/agents/tester', scriptedAgent(6));
    const ended = await startRuns(2);
    await allBecome(ended, 'WAITING_SIGNAL');
    await signalAll(ended);
    await allBecome(ended, 'COMPLETED');
    const approval = await world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', {
      workflow: 'ten-steps',
      input: {},
    });
    await allBecome([approval.runId], 'WAITING_APPROVAL');
    const waiting = await startRuns(3);
    await allBecome(waiting, 'WAITING_SIGNAL');
    await world.kill('orchestrator');
    const lost = file('lost.sqlite');
    await copyDatabase(file(), lost);
    for (const suffix of ['', '-wal', '-shm']) await rm(`${file()}${suffix}`, { force: true });

    const refused = world.spawn(orchestratorScript, 'refused');
    expect((await refused.exited).code).toBe(78);
    expect(refused.lines.join('\n')).toContain('signalbox rebuild');

    const rebuild = world.spawn(cliScript, 'rebuild', { SIGNALBOX_NATS_EMBEDDED: 'false' }, ['rebuild']);
    const { code } = await rebuild.exited;
    expect({ code, lines: rebuild.lines }).toMatchObject({ code: 0 });
    expect(tablesOf(file())).toEqual(tablesOf(lost));
    const installation = "SELECT value FROM settings WHERE name = 'installation-id'";
    expect(query(installation)).toEqual(query(installation, lost));

    await world.start('orchestrator');
    const again = world.spawn(cliScript, 'rebuild-again', { SIGNALBOX_NATS_EMBEDDED: 'false' }, ['rebuild']);
    expect((await again.exited).code).toBe(75);
    await signalAll(waiting);
    await allBecome(waiting, 'COMPLETED');
  });

  test('a database that holds something is moved aside only when that is asked for', async () => {
    await begin();
    await world.stopOne('orchestrator');
    const env = { SIGNALBOX_NATS_EMBEDDED: 'false' };
    const refused = world.spawn(cliScript, 'rebuild', env, ['rebuild']);
    expect((await refused.exited).code).toBe(78);
    expect(refused.lines.join('\n')).toContain('--force');
    const forced = world.spawn(cliScript, 'forced', env, ['rebuild', '--force']);
    expect((await forced.exited).code).toBe(0);
    const kept = (await readdir(world.dataDir)).filter((name) => name.includes('.before-rebuild-'));
    expect(kept.length).toBeGreaterThan(0);
    await world.start('orchestrator');
    const runIds = await startRuns(1);
    await allBecome(runIds, 'WAITING_SIGNAL');
  });
});

describe('two orchestrators', () => {
  test('with two databases, with a copy, or through a symbolic link: the second one ends with 75', async () => {
    await begin();
    await mkdir(file('other'));
    await mkdir(file('copied'));
    await copyDatabase(file(), file('copied/orchestrator.sqlite'));
    await symlink(file(), file('link.sqlite'));
    const attempts: Record<string, string>[] = [
      { SIGNALBOX_DATA_DIR: file('other') },
      { SIGNALBOX_DATA_DIR: file('copied') },
      { SIGNALBOX_DATABASE: file('link.sqlite') },
    ];
    for (const [index, env] of attempts.entries()) {
      const second = world.spawn(orchestratorScript, `second-${index}`, env);
      expect({ env, ...(await endOf(second)) }).toEqual({ env, code: 75, signal: null });
      expect(second.lines.join('\n')).toMatch(/another orchestrator/);
    }
    const runIds = await startRuns(1);
    await allBecome(runIds, 'WAITING_SIGNAL');
  });

  test('a database of another installation is refused with 78, though its orchestrator is away', async () => {
    await begin();
    const other = await startWorld(['orchestrator', 'api']);
    try {
      await other.call('PUT', '/api/v1/agents/tester', scriptedAgent(5));
      await other.stopOne('orchestrator');
      await world.stopOne('orchestrator');
      const stranger = world.spawn(orchestratorScript, 'stranger', { SIGNALBOX_DATA_DIR: other.dataDir });
      expect((await endOf(stranger)).code).toBe(78);
      expect(stranger.lines.join('\n')).toMatch(
        /WORKFLOW_EVENTS belongs to installation .* the database .* to installation/,
      );
    } finally {
      await other.stop();
    }
  });
});
