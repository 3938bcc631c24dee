/** The orchestrator's database is older than the log, or says something else. */
import { statSync } from 'node:fs';
import { createPublisher, openConnection } from '@signalbox/messaging';
import { encodeEvent } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { copyDatabase, eventually, query, repeatRun, tablesOf } from '@signalbox/testing';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { family } from './support/definitions.js';
import { openStores, orchestratorScript, type Stores } from './support/stores.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores?.world.stop());

const logger = createLogger({ service: 'test', level: 'silent' });

const copy = () => stores.file('copy.sqlite');

const countOf = (path: string): number =>
  query<{ count: number }>(path, 'SELECT count(*) AS count FROM workflow_run_events')[0]?.count ?? 0;

const walBytes = (path: string): number => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;

describe('the database is older than the log', () => {
  test('what it lacks is taken in from the log, and everything goes on', async () => {
    const { world } = stores;
    await world.call('POST', '/api/v1/workflows', family);
    const childRuns = "FROM workflow_runs WHERE root_run_id NOTNULL AND status = 'WAITING_SIGNAL'";
    const startFamily = async (childCount: number): Promise<void> => {
      await world.call('POST', '/api/v1/workflow-runs', { workflow: 'family', input: {} });
      await eventually(() => query(stores.file(), `SELECT 1 ${childRuns}`).length === childCount, {
        timeoutMs: 60_000,
        describe: 'the child runs stand at their signal',
      });
    };
    await startFamily(3);
    const old = await stores.standing(3);
    await world.stopOne('orchestrator');
    await copyDatabase(stores.file(), copy());
    await world.start('orchestrator');
    await stores.finish(old);
    await startFamily(6);
    const young = await stores.standing(3);
    await world.kill('orchestrator');
    const lost = stores.file('lost.sqlite');
    await copyDatabase(stores.file(), lost);
    await copyDatabase(copy(), stores.file());
    await world.start('orchestrator');
    expect(world.logsOf('orchestrator')).toContain('the log was ahead of the database');
    expect(tablesOf(stores.file()).workflow_runs).toEqual(tablesOf(lost).workflow_runs);
    expect(query(stores.file(), 'SELECT child_run_count FROM run_families')).toEqual([
      { child_run_count: 3 },
      { child_run_count: 3 },
    ]);
    await stores.finish(young);
    expect(await stores.statusesOf(old)).toEqual(old.map(() => 'COMPLETED'));
  });

  test('a log that breaks off in the middle of a decision is taken in, and the run goes on from there', async () => {
    const { world } = stores;
    const [runId = ''] = await stores.standing(1);
    await world.kill('orchestrator');
    const known = query<{ seq: number }>(
      stores.file(),
      `SELECT max(seq) AS seq FROM workflow_run_events WHERE run_key = 'default/${runId}'`,
    )[0];
    const sequence = (known?.seq ?? 0) + 1;
    // What follows from the signal was committed with it, by the orchestrator of a database that is lost.
    const signalled = encodeEvent({
      id: `default/${runId}/${sequence}`,
      workspace: 'default',
      runId,
      sequence,
      at: Date.now(),
      data: {
        type: 'signal.received',
        signal: 'go',
        signalId: 'unheard',
        payload: { ok: true },
        digest: 'of another time',
        actor: 'user:alice',
      },
    });
    const connection = await openConnection({ url: world.natsUrl, name: 'log', logger });
    const publisher = createPublisher(connection);
    await publisher.publish(signalled);
    publisher.close();
    await connection.close();
    await world.start('orchestrator');
    await stores.allBecome([runId], 'COMPLETED');
  });

  test('a start that is killed while it takes them in has taken in nothing, and the next one takes in all', async () => {
    const { world } = stores;
    const [runId = ''] = await stores.standing(1);
    await stores.finish([runId]);
    await world.stopOne('orchestrator');
    await copyDatabase(stores.file(), copy());
    const eventCount = repeatRun(stores.file(), runId, 2_000);
    await world.start('orchestrator');
    await eventually(
      () => {
        const [relay] = query<{ at: number }>(stores.file(), 'SELECT events_position AS at FROM relay');
        const [last] = query<{ at: number }>(
          stores.file(),
          'SELECT max(position) AS at FROM workflow_run_events',
        );
        return relay?.at === last?.at;
      },
      { timeoutMs: 60_000, describe: 'all is published' },
    );
    await world.stopOne('orchestrator');
    await copyDatabase(copy(), stores.file());
    const before = countOf(stores.file());
    void world.start('orchestrator').catch(() => undefined);
    await eventually(() => walBytes(stores.file()) > 500_000, { timeoutMs: 30_000, intervalMs: 2 });
    await world.kill('orchestrator');
    expect(countOf(stores.file())).toBe(before);
    await world.start('orchestrator');
    expect(countOf(stores.file())).toBe(eventCount);
  });

  test('one that says something else is refused, told which run and what to do, and nothing of it was changed', async () => {
    const { world } = stores;
    const [runId = ''] = await stores.standing(1);
    await world.kill('orchestrator');
    const right = stores.file('right.sqlite');
    await copyDatabase(stores.file(), right);
    const database = new Database(stores.file());
    database
      .prepare('UPDATE workflow_run_events SET at = at + 1 WHERE seq = 3 AND run_key = ?')
      .run(`default/${runId}`);
    // What lies before the contradiction in the log is lacking as well: it must not be taken in.
    const gone = query<{ runKey: string }>(
      stores.file(),
      'SELECT run_key AS runKey FROM workflow_runs LIMIT 1',
    )[0];
    for (const table of ['workflow_run_events', 'open_steps', 'workflow_runs'])
      database.prepare(`DELETE FROM ${table} WHERE run_key = ?`).run(gone?.runKey);
    database.exec('DELETE FROM log_marks');
    database.close();
    const before = tablesOf(stores.file());
    const refused = world.spawn(orchestratorScript, 'refused');
    expect((await refused.exited).code).toBe(78);
    const said = refused.lines.join('\n');
    expect(said).toContain(`event 3 of run default/${runId}`);
    expect(said).toContain('signalbox rebuild');
    // A log that somebody else has written to contradicts itself: a rebuild from it ends in the same way.
    expect(said).toContain('give NATS an empty store');
    expect(tablesOf(stores.file())).toEqual(before);
    await copyDatabase(right, stores.file());
    await world.start('orchestrator');
    await stores.finish([runId]);
  });

  test('one in which a part of a history is lost is refused, told which run and what to do, and is mended by a rebuild', async () => {
    const { world } = stores;
    const [runId = ''] = await stores.standing(1);
    await world.stopOne('orchestrator');
    const database = new Database(stores.file());
    // As a -wal file of another copy leaves it: some pages of now, some of then.
    database.exec('DELETE FROM run_snapshots');
    database.prepare('DELETE FROM workflow_run_events WHERE seq > 1 AND run_key = ?').run(`default/${runId}`);
    database.close();
    const before = tablesOf(stores.file());
    const refused = world.spawn(orchestratorScript, 'refused');
    expect((await refused.exited).code).toBe(78);
    const said = refused.lines.join('\n');
    expect(said).toContain(
      `the database contradicts itself: run default/${runId} has 1 events in its history`,
    );
    expect(said).toContain('signalbox rebuild --force');
    expect(tablesOf(stores.file())).toEqual(before);
    const rebuilt = world.spawn(orchestratorScript.replace('main.js', 'rebuild.js'), 'rebuild', {}, [
      '--force',
    ]);
    expect((await rebuilt.exited).code).toBe(0);
    await world.start('orchestrator');
    await stores.finish([runId]);
  });
});
