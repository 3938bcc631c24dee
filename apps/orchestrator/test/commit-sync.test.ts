/** What is committed survives a loss of power before anybody else hears of it. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CommitSync, SyncFailed } from '../src/store/commit-sync.js';
import { step, TestWorld, workflow } from './support/test-world.js';

describe('a log of SQLite without syncs of its own', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-sync-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('cut off anywhere, gives what was committed up to some point, and nothing behind it', async () => {
    const file = join(folder, 'live.sqlite');
    const sql = new BetterSqlite(file);
    sql.pragma('journal_mode = WAL');
    sql.exec('CREATE TABLE counts (value INTEGER)');
    const sync = new CommitSync(sql, 400_000);
    expect(statSync(`${file}-wal`).size).toBe(400_000);
    const insert = sql.prepare('INSERT INTO counts (value) VALUES (?)');
    for (let value = 1; value <= 60; value += 1) insert.run(value);
    await sync.durable();
    const log = readFileSync(`${file}-wal`);
    expect(log).toHaveLength(400_000);
    const cut = join(folder, 'cut.sqlite');
    const seen = new Set<number>();
    for (let part = 0; part <= 200; part += 1) {
      copyFileSync(file, cut);
      writeFileSync(`${cut}-wal`, log.subarray(0, Math.floor((log.length * part) / 200)));
      rmSync(`${cut}-shm`, { force: true });
      const reopened = new BetterSqlite(cut);
      const isThere = reopened
        .prepare("SELECT count(*) FROM sqlite_master WHERE name = 'counts'")
        .pluck()
        .get();
      const values = isThere === 1 ? reopened.prepare('SELECT value FROM counts').pluck().all() : [];
      expect(values).toEqual(Array.from({ length: values.length }, (_, index) => index + 1));
      seen.add(values.length);
      reopened.close();
    }
    expect(seen.size).toBeGreaterThan(50);
    sync.close();
    sql.close();
  });

  test('is synced once for all that wait, and those who come meanwhile wait for the next', async () => {
    const sql = new BetterSqlite(join(folder, 'live.sqlite'));
    sql.pragma('journal_mode = WAL');
    sql.exec('CREATE TABLE counts (value INTEGER)');
    const sync = new CommitSync(sql, 0);
    const order: number[] = [];
    const waits = Array.from({ length: 20 }, (_, index) => sync.durable().then(() => order.push(index)));
    await Promise.all(waits);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
    sync.close();
    sql.close();
  });
});

describe('what an orchestrator has committed', () => {
  let world: TestWorld;
  let isSynced: (cause?: SyncFailed) => void;
  beforeEach(async () => {
    world = new TestWorld();
    await world.open();
    await world.putAgent('worker');
    await world.putWorkflow(workflow('one-step', [step('first')]));
    world.crash();
    await world.open(world.clock, {
      durableNow: () => false,
      durable: () =>
        new Promise((resolve, reject) => {
          isSynced = (cause) => (cause === undefined ? resolve() : reject(cause));
        }),
    });
  });
  afterEach(() => world.close());

  const begin = async () => {
    const start = world.start('run-1', 'one-step');
    const before = world.bus.journal.length;
    await world.handle([start]);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(world.row('run-1').status).toBe('RUNNING');
    return { start, sentCount: () => world.bus.journal.length - before };
  };

  test('is neither published nor acknowledged before it survives a loss of power', async () => {
    const { start, sentCount } = await begin();
    expect([sentCount(), start.answer]).toEqual([0, undefined]);
    isSynced();
    await world.settled();
    expect(sentCount()).toBeGreaterThan(0);
    expect(start.answer).toBe('ack');
  });

  test('is never published where the disk fails, and the process ends', async () => {
    const { start, sentCount } = await begin();
    isSynced(new SyncFailed('EIO: i/o error, fdatasync'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(world.failures).toEqual([expect.any(SyncFailed)]);
    expect([sentCount(), start.answer]).not.toContain('ack');
    expect(sentCount()).toBe(0);
  });
});
