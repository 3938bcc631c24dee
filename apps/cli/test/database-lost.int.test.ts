/** The orchestrator's database is lost, and made again from the log. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  copyDatabase,
  dropDatabase,
  eventually,
  query,
  readLog,
  repeatRun,
  tablesOf,
} from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { family, scriptedAgent, tenSteps } from './support/definitions.js';
import {
  cliScript,
  noServerOfItsOwn,
  openStores,
  orchestratorScript,
  type Stores,
} from './support/stores.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores?.world.stop());

const rebuild = (label: string, ...args: readonly string[]) =>
  stores.world.spawn(cliScript, label, noServerOfItsOwn, ['rebuild', ...args]);

describe('the database is lost', () => {
  test('a start beside a full log is refused, and a rebuild makes every table again', async () => {
    const { world, file } = stores;
    await world.call('PUT', '/api/v1/teams', 'sre: [user:alice, user:bob]\n');
    await world.call('POST', '/api/v1/workflows', tenSteps);
    await world.call('PUT', '/api/v1/agents/tester', scriptedAgent(6));
    await stores.finish(await stores.standing(2));
    await world.call('POST', '/api/v1/workflows', family);
    await world.call('POST', '/api/v1/workflow-runs', { workflow: 'family', input: {} });
    await eventually(
      () =>
        query(file(), "SELECT 1 FROM workflow_runs WHERE workflow_id = 'held' AND root_run_id NOTNULL")
          .length === 3,
      { describe: 'the child runs have begun' },
    );
    const approval = await world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', {
      workflow: 'ten-steps',
      input: {},
    });
    await stores.allBecome([approval.runId], 'WAITING_APPROVAL');
    const waiting = await stores.standing(3);
    await world.kill('orchestrator');
    const lost = file('lost.sqlite');
    await copyDatabase(file(), lost);
    await dropDatabase(file());

    const refused = world.spawn(orchestratorScript, 'refused');
    expect((await refused.exited).code).toBe(78);
    expect(refused.lines.join('\n')).toContain('signalbox rebuild');

    const rebuilt = rebuild('rebuild');
    const { code } = await rebuilt.exited;
    expect({ code, lines: rebuilt.lines }).toMatchObject({ code: 0 });
    expect(tablesOf(file())).toEqual(tablesOf(lost));
    expect(query(file(), 'SELECT child_run_count FROM run_families')).toEqual([{ child_run_count: 3 }]);
    const installation = "SELECT value FROM settings WHERE name = 'installation-id'";
    expect(query(file(), installation)).toEqual(query(lost, installation));

    await world.start('orchestrator');
    expect((await rebuild('rebuild-again').exited).code).toBe(75);
    await stores.finish(waiting);
  });

  test('one that is removed under a running orchestrator ends it, with the word, and nothing that it had told is lost', async () => {
    const { world, file } = stores;
    const waiting = await stores.standing(2);
    const orchestrator = world.processOf('orchestrator');
    const before = tablesOf(file());
    await dropDatabase(file());
    expect((await orchestrator.exited).code).toBe(75);
    expect(orchestrator.lines.join('\n')).toContain('is not the file any more that this process has open');
    expect((await world.spawn(orchestratorScript, 'refused-again').exited).code).toBe(78);
    expect((await rebuild('rebuild-removed').exited).code).toBe(0);
    expect(tablesOf(file()).workflow_runs).toEqual(before.workflow_runs);
    await world.start('orchestrator');
    await stores.finish(waiting);
  });

  test('where the data folder has no nats-server of its own, the log is that of the settings', async () => {
    const { world, file } = stores;
    await world.stopOne('orchestrator');
    const elsewhere = file('elsewhere');
    mkdirSync(elsewhere);
    const rebuilt = world.spawn(cliScript, 'elsewhere', { SIGNALBOX_DATA_DIR: elsewhere }, ['rebuild']);
    const { code } = await rebuilt.exited;
    expect({ code, lines: rebuilt.lines }).toMatchObject({ code: 0 });
    expect(existsSync(join(elsewhere, 'nats'))).toBe(false);
    expect(tablesOf(join(elsewhere, 'orchestrator.sqlite'))).toEqual(tablesOf(file()));
    await world.start('orchestrator');
  });

  test('what is no database in its place is said in one line with what to do, and --force moves it aside', async () => {
    const { world, file } = stores;
    await world.stopOne('orchestrator');
    const before = tablesOf(file());
    await copyDatabase(file(), file('kept.sqlite'));
    await dropDatabase(file());
    mkdirSync(file());
    const folder = rebuild('folder', '--force');
    expect((await folder.exited).code).toBe(78);
    expect(folder.lines[0]).toMatch(/is a folder where a file has to be: move it away$/);
    rmdirSync(file());
    writeFileSync(file(), 'garbage\n'.repeat(1_000));
    const garbage = rebuild('garbage');
    expect((await garbage.exited).code).toBe(78);
    expect(garbage.lines[0]).toMatch(/is damaged \(SQLITE_NOTADB\): `signalbox rebuild --force` moves it/);
    for (const { lines } of [folder, garbage]) expect(lines.join('\n')).not.toContain('    at ');
    expect((await rebuild('garbage-forced', '--force').exited).code).toBe(0);
    expect(tablesOf(file()).workflow_runs).toEqual(before.workflow_runs);
    await world.start('orchestrator');
  });

  test('a database that holds something is moved aside only when that is asked for, and only when the new one is whole', async () => {
    const { world, file, startRuns } = stores;
    const [runId = ''] = await stores.standing(1);
    await stores.finish([runId]);
    await world.stopOne('orchestrator');
    // Few enough that a start waits until all of it is published.
    const eventCount = repeatRun(file(), runId, 1_500);
    await world.start('orchestrator');
    await eventually(
      () => query<{ at: number }>(file(), 'SELECT events_position AS at FROM relay')[0]?.at === eventCount,
      { timeoutMs: 60_000, describe: 'all is published' },
    );
    await world.stopOne('orchestrator');
    const runsOf = () => {
      const { workflow_runs, workflow_run_events, open_steps } = tablesOf(file());
      return { workflow_runs, workflow_run_events, open_steps };
    };
    const before = runsOf();
    const refused = rebuild('refused-rebuild');
    expect((await refused.exited).code).toBe(78);
    expect(refused.lines.join('\n')).toContain('--force');

    const names = () => readdirSync(world.dataDir);
    const known = new Set(names());
    const killed = world.spawn(rebuildScript, 'killed', {}, ['--force']);
    await eventually(() => names().some((name) => !known.has(name) && sizeOf(file(name)) > 100_000), {
      timeoutMs: 30_000,
      intervalMs: 2,
      describe: 'a database in the making',
    });
    killed.kill('SIGKILL');
    await killed.exited;
    expect(runsOf()).toEqual(before);

    expect((await rebuild('forced', '--force').exited).code).toBe(0);
    expect(runsOf()).toEqual(before);
    expect(names().filter((name) => name.includes('.before-rebuild-')).length).toBeGreaterThan(0);
    await world.start('orchestrator');
    await stores.allBecome(await startRuns(1), 'WAITING_SIGNAL');
  });
});

describe('a log whose beginning its limits have dropped', () => {
  let bounded: Stores;
  beforeAll(async () => {
    bounded = await openStores({ SIGNALBOX_EVENTS_MAX_BYTES: '200000' });
    const { call } = bounded.world;
    await call('PUT', '/api/v1/teams', 'sre: [user:bob]\n');
    for (const workflow of [asked, passing]) await call('POST', '/api/v1/workflows', workflow);
  });
  afterAll(() => bounded?.world.stop());

  /** A run that waits for its team. */
  const askTeam = async () => {
    const { call } = bounded.world;
    const body = { workflow: 'asked', input: {} };
    const { runId } = await call<{ runId: string }>('POST', '/api/v1/workflow-runs', body);
    await bounded.allBecome([runId], 'WAITING_APPROVAL');
    const path = `/api/v1/workflow-runs/${runId}/approvals`;
    const { items } = await call<{ items: { approvalId: string }[] }>('GET', path);
    return { runId, approve: `${path}/${items[0]?.approvalId}/approve` };
  };

  /** Until nothing is in the log that was there before, and the log tells the runs that are open. */
  const rollOver = async (open: readonly string[]): Promise<void> => {
    const { world, allBecome } = bounded;
    const body = { workflow: 'passing', input: { text: 'x'.repeat(10_000) } };
    const begunAt = Date.now();
    const isRolled = async () => {
      const log = await readLog(world.natsUrl);
      const first = Math.min(
        ...[...log.values()].flatMap((events) => events.map(({ storedAt }) => storedAt)),
      );
      if (first > begunAt && open.every((runId) => log.has(runId))) return true;
      const { runId } = await world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', body);
      await allBecome([runId], 'COMPLETED');
      return false;
    };
    await eventually(isRolled, { timeoutMs: 60_000, describe: 'the log has rolled over' });
  };

  test('is no loss: whoever starts again goes on, and what is open is decided and goes on', async () => {
    const { world, file } = bounded;
    const standing = await bounded.standing(1);
    const { runId, approve } = await askTeam();
    await rollOver([runId, ...standing]);
    // A log that has rolled over since the last mark is published again in part; here it has not.
    await eventually(
      () =>
        query<{ isMarked: 0 | 1 }>(
          file(),
          `SELECT (SELECT max(events_position) FROM log_marks) = (SELECT max(position) FROM workflow_run_events) AS isMarked`,
        )[0]?.isMarked === 1,
      { timeoutMs: 60_000, describe: 'a mark at the end of the log' },
    );
    for (const label of ['orchestrator', 'approval-service', 'api'] as const) {
      await world.kill(label);
      await world.start(label);
    }
    await bounded.isReady();
    await world.call('POST', approve, {}, 'user:bob');
    await bounded.allBecome([runId], 'COMPLETED');
    // The team has left the log as well.
    const later = await askTeam();
    await world.call('POST', later.approve, {}, 'user:bob');
    await bounded.allBecome([later.runId], 'COMPLETED');
    await bounded.finish(standing);
    const said = world.processOf('orchestrator').lines.join('\n');
    expect(said).not.toContain('the log is published again');
  });

  test('does not let a read model show as open what has ended meanwhile', async () => {
    const { world, file } = bounded;
    const [ends = '', stays = ''] = await bounded.standing(2);
    const [endedBefore = ''] = await bounded.standing(1);
    await bounded.finish([endedBefore]);
    await world.stopOne('api');
    await copyDatabase(file('api.sqlite'), file('away.sqlite'));
    await world.start('api');
    await bounded.finish([ends]);
    await rollOver([stays]);
    await world.stopOne('api');
    await copyDatabase(file('away.sqlite'), file('api.sqlite'));
    await world.start('api');
    await bounded.isReady();
    expect(await bounded.statusesOf([endedBefore, stays])).toEqual(['COMPLETED', 'WAITING_SIGNAL']);
    expect(await bounded.statusesOf([ends])).toEqual([expect.stringContaining('404')]);
    await bounded.finish([stays]);
  });

  test('gives a new read model the catalog and every run that is open, and nothing else that it dropped', async () => {
    const { world, file } = bounded;
    const standing = await bounded.standing(1);
    const [ended = ''] = await bounded.standing(1);
    await bounded.finish([ended]);
    await rollOver(standing);
    await world.stopOne('api');
    await dropDatabase(file('api.sqlite'));
    await world.start('api');
    await bounded.isReady();
    expect(await world.call('GET', '/api/v1/workflows')).toMatchObject({ items: { length: 3 } });
    expect(await bounded.statusesOf([ended])).toEqual([expect.stringContaining('404')]);
    await bounded.finish(standing);
    await bounded.finish(await bounded.standing(1));
  });

  test('is lost as a whole while work goes on: nobody shows as open what has ended', async () => {
    const { world, file } = bounded;
    const standing = await bounded.standing(2);
    for (let time = 0; time < 3; time += 1) await rollOver(standing);
    await world.killNats();
    await world.wipeNats();
    await world.restartNats();
    const body = { workflow: 'passing', input: { text: 'x' } };
    const pass = async () => {
      const start = () => world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', body);
      const { runId } = await eventually(() => start().catch(() => undefined), { timeoutMs: 30_000 });
      await bounded.allBecome([runId], 'COMPLETED');
    };
    for (let count = 0; count < 20; count += 1) await pass();
    await world.stopOne('api');
    await dropDatabase(file('api.sqlite'));
    await world.start('api');
    await bounded.isReady();
    const open = await world.call<{ items: { runId: string; status: string }[] }>(
      'GET',
      '/api/v1/workflow-runs?limit=100',
    );
    const shownOpen = open.items.filter(({ status }) => status !== 'COMPLETED').map(({ runId }) => runId);
    expect(shownOpen.sort()).toEqual([...standing].sort());
    await bounded.finish(standing);
  });

  test('cannot give a lost database back: a rebuild says that the beginning is gone, and makes nothing', async () => {
    const { world, file } = bounded;
    await world.stopOne('orchestrator');
    await dropDatabase(file());
    const rebuilt = world.spawn(cliScript, 'rebuild', noServerOfItsOwn, ['rebuild']);
    expect((await rebuilt.exited).code).toBe(78);
    const said = rebuilt.lines.join('\n');
    expect(said).toContain('the limits of the log have dropped its beginning');
    expect(said).toContain('Put a newer copy of the database back');
    // Which would end the same way.
    expect(said).not.toContain('--force');
    expect(sizeOf(file())).toBe(0);
  });
});

const asked = JSON.stringify({
  id: 'asked',
  version: '1',
  name: 'asked',
  start: 'ask',
  states: [
    {
      name: 'ask',
      type: 'operation',
      action: 'human.approval',
      input: { message: 'Go on?', approvers: ['team:sre'] },
      timeoutSeconds: 3600,
      end: true,
    },
  ],
});

/** Ends at once, and makes the log longer by its input. */
const passing = JSON.stringify({
  id: 'passing',
  version: '1',
  name: 'passing',
  start: 'pass',
  states: [{ name: 'pass', type: 'inject', data: 1, resultPath: 'one', end: true }],
});

/** The program behind the command, so that a kill meets it. */
const rebuildScript = orchestratorScript.replace('main.js', 'rebuild.js');

const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);
