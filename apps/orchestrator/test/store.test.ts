import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TransientError } from '@signalbox/messaging';
import { CannotRun } from '@signalbox/service';
import { createLogger } from '@signalbox/telemetry';
import { VirtualClock } from '@signalbox/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Outlet, Relay } from '../src/relay.js';
import { claimKey, openDatabase } from '../src/store/database.js';
import { createInboxStore, inboxAgeMs } from '../src/store/inbox-store.js';
import type { OutboxEntry } from '../src/store/outbox-store.js';
import { type ClaimedAttempt, createClaims } from '../src/wire/claim.js';
import { MemoryBus } from './support/memory-bus.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-store-'));
  file = join(folder, 'orchestrator.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the database', () => {
  test('belongs to one process at a time', () => {
    const first = openDatabase(file, 1);
    expect(() => openDatabase(file, 1)).toThrow(CannotRun);
    first.close();
    openDatabase(file, 1).close();
  });

  test('of a newer release is left alone', () => {
    const { sql, close } = openDatabase(file, 1);
    sql.prepare("INSERT INTO migrations VALUES (999, 1, '')").run();
    close();
    expect(() => openDatabase(file, 1)).toThrow(/has schema 999, .* run the newer release/);
  });

  test('with tables of no release is left alone, with what to do', () => {
    const { sql, close } = openDatabase(file, 1);
    sql.exec('ALTER TABLE migrations DROP COLUMN digest');
    close();
    expect(() => openDatabase(file, 1)).toThrow(/was made between two releases, .* remove it/);
  });

  test('keeps one claim key for its life', () => {
    const first = openDatabase(file, 1);
    const key = claimKey(first.sql);
    first.close();
    const second = openDatabase(file, 2);
    expect(claimKey(second.sql)).toEqual(key);
    expect(key).toHaveLength(32);
    second.close();
  });

  test('syncs every commit', () => {
    const { sql, close } = openDatabase(file, 1);
    expect(sql.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(sql.pragma('synchronous', { simple: true })).toBe(2);
    close();
  });
});

describe('the inbox', () => {
  test('takes a command once and forgets it when no redelivery can come any more', () => {
    const { sql, close } = openDatabase(file, 1);
    const inbox = createInboxStore(sql);
    expect([inbox.accept('c', 10), inbox.accept('c', 20)]).toEqual([true, false]);
    expect(inbox.prune(10 + inboxAgeMs)).toBe(0);
    expect(inbox.prune(11 + inboxAgeMs)).toBe(1);
    close();
  });
});

describe('a claim', () => {
  const claims = createClaims(Buffer.alloc(32, 1));
  test('is right for its target, workspace, run, step and attempt only', () => {
    const own = { target: 'worker', workspace: 'w', runId: 'run', stepId: 'step', attempt: 1 } as const;
    const claim = claims.make(own);
    expect(claims.isRight(claim, own)).toBe(true);
    const foreign: Partial<ClaimedAttempt>[] = [
      { target: 'agent' },
      { workspace: 'other' },
      { runId: 'other' },
      { stepId: 'other' },
      { attempt: 2 },
    ];
    for (const part of foreign) expect(claims.isRight(claim, { ...own, ...part })).toBe(false);
    expect(claims.isRight('', own)).toBe(false);
    expect(createClaims(Buffer.alloc(32, 2)).isRight(claim, own)).toBe(false);
  });
});

describe('the relay', () => {
  const task = (id: string): OutboxEntry => ({
    kind: 'message',
    subject: `wf.task.step.run.${id}`,
    messageId: id,
    payload: '{}',
  });
  const withdrawal = (id: string): OutboxEntry => ({ kind: 'withdrawal', subject: `wf.task.step.run.${id}` });
  const marks = (outbox: number): { outbox: number; events: number } => ({ outbox, events: 0 });
  /** Each try waits for the one before. */
  const passed = async (clock: VirtualClock, ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 250) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(250);
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  const relayOver = (bus: Outlet, clock = new VirtualClock()): Relay =>
    new Relay({
      outlet: bus,
      setAside: () => undefined,
      clock,
      logger: createLogger({ service: 'test', level: 'silent' }),
      fail: (cause) => {
        throw cause;
      },
    });

  test('withdraws a task when it is stored, and lets nothing wait for that', async () => {
    const bus = new MemoryBus();
    const relay = relayOver(bus);
    const open = bus.hold();
    const first = relay.publish({ entries: [task('a')], events: [], marks: marks(1) });
    bus.hold()();
    const second = relay.publish({ entries: [withdrawal('a'), task('b')], events: [], marks: marks(3) });
    const third = relay.publish({ entries: [task('c')], events: [], marks: marks(4) });
    await new Promise((resolve) => setImmediate(resolve));
    open();
    await Promise.all([first, second, third]);
    await relay.done();
    expect(bus.journal).toEqual(['store b', 'store c', 'store a', 'withdraw wf.task.step.run.a']);
    expect(relay.takeMarks()).toEqual(marks(4));
  });

  test('says for how long the server has not taken something, whatever else it takes', async () => {
    const clock = new VirtualClock();
    const bus = new MemoryBus();
    let isFull = true;
    const relay = relayOver(
      {
        publishAll: async (messages) => {
          if (isFull && messages.some(({ id }) => id === 'a')) throw new TransientError('no room');
          return bus.publishAll(messages);
        },
        withdraw: async () => undefined,
      },
      clock,
    );
    const stuck = relay.publish({ entries: [task('a')], events: [], marks: marks(1) });
    await passed(clock, 12_000);
    void relay.publish({ entries: [task('b')], events: [], marks: marks(2) });
    await passed(clock, 1_000);
    expect(bus.journal).toEqual(['store b']);
    expect(relay.refusedForMs).toBeGreaterThan(12_000);
    isFull = false;
    await passed(clock, 1_000);
    await stuck;
    expect(relay.refusedForMs).toBe(0);
  });

  test('withdraws one attempt and not the next on the same subject', async () => {
    const bus = new MemoryBus();
    const subject = 'wf.task.step.run.a';
    const attempt = (n: number): OutboxEntry => ({
      kind: 'message',
      subject,
      messageId: `a${n}`,
      idempotencyKey: `run:a:${n}`,
      payload: '{}',
    });
    const relay = relayOver(bus);
    await relay.publish({
      entries: [attempt(1), attempt(2), { kind: 'withdrawal', subject, idempotencyKey: 'run:a:1' }],
      events: [],
      marks: marks(3),
    });
    await relay.done();
    expect(bus.tasks.map(({ id }) => id)).toEqual(['a2']);
  });

  test('lets no publication wait for a withdrawal before it, and marks neither until that is done', async () => {
    const bus = new MemoryBus();
    let underWay = 0;
    let most = 0;
    const deleted: (() => void)[] = [];
    const relay = relayOver({
      publishAll: (messages) => bus.publishAll(messages),
      withdraw: async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise<void>((resolve) => deleted.push(resolve));
        underWay -= 1;
      },
    });
    const entries = Array.from({ length: 100 }, (_, index) => withdrawal(`w${index}`));
    const withdrawn = relay.publish({ entries, events: [], marks: marks(100) });
    await Promise.all([withdrawn, relay.publish({ entries: [task('b')], events: [], marks: marks(101) })]);
    expect(bus.journal).toEqual(['store b']);
    await relay.settled();
    expect(relay.takeMarks()).toBeUndefined();
    let isDone = false;
    const done = relay.done().then(() => (isDone = true));
    while (!isDone) {
      for (const finish of deleted.splice(0)) finish();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    expect(most).toBeLessThanOrEqual(32);
    expect(relay.takeMarks()).toEqual(marks(101));
  });

  test('marks a publication only when all before it are out', async () => {
    const bus = new MemoryBus();
    const relay = relayOver(bus);
    const open = bus.hold();
    const held = relay.publish({ entries: [task('a')], events: [], marks: marks(1) });
    bus.hold()();
    const free = relay.publish({ entries: [task('b')], events: [], marks: marks(2) });
    await new Promise((resolve) => setImmediate(resolve));
    expect(bus.journal).toEqual(['store b']);
    expect(relay.takeMarks()).toBeUndefined();
    open();
    await Promise.all([held, free]);
    await relay.done();
    expect(relay.takeMarks()).toEqual(marks(2));
  });
});
