/** Quarantines, as the log tells of them, in a database that lacks them. */
import { type DeadLetterReport, decodeEvent, runKeyOf, type WireMessage } from '@signalbox/protocol';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { beforeEach, expect, test } from 'vitest';
import { createNoticeFold } from '../src/log/notice-fold.js';
import { createCrashStore } from '../src/store/crash-store.js';
import { createDeadLetterStore } from '../src/store/dead-letter-store.js';
import { migrate } from '../src/store/migrations.js';
import { encodeDeadLetter, encodeQuarantine } from '../src/wire/event-codec.js';

let sql: Database;
let take: (message: WireMessage) => boolean | undefined;

beforeEach(() => {
  sql = new BetterSqlite(':memory:');
  migrate(sql, 0);
  const fold = createNoticeFold({ deadLetters: createDeadLetterStore(sql), crashes: createCrashStore(sql) });
  take = ({ subject, data }) => fold(decodeEvent({ subject, text: String(data) }));
});

const runKey = runKeyOf({ workspace: 'default', runId: 'run-1' });
const quarantine = encodeQuarantine({ runKey, reason: 'it stops', at: 5 });

const letter = (over: Partial<DeadLetterReport> = {}): WireMessage =>
  encodeDeadLetter({
    id: 'WORKFLOW_TASKS/7',
    workspace: 'default',
    stream: 'WORKFLOW_TASKS',
    subject: 'wf.task.run.default.run-1',
    consumer: 'orchestrator-run',
    deliveryCount: 1,
    code: 'POISON_MESSAGE',
    reason: 'run run-1 is quarantined',
    reportedBy: 'orchestrator',
    at: 6,
    payload: Buffer.from('{"type":"pause"}').toString('base64'),
    payloadBytes: 16,
    ...over,
  });

test('a quarantined run is quarantined again, with what was set aside for it', () => {
  expect(take(quarantine)).toBe(true);
  expect(take(letter())).toBe(true);
  const crashes = createCrashStore(sql);
  expect([...crashes.quarantined()]).toEqual([runKey]);
  expect(crashes.unannounced()).toEqual([]);
  expect(crashes.release(runKey)).toEqual([
    { subject: 'wf.task.run.default.run-1', payload: '{"type":"pause"}' },
  ]);
});

test('a notice that is known changes nothing: a run that was released here stays released', () => {
  take(quarantine);
  createCrashStore(sql).release(runKey);
  expect(take(quarantine)).toBe(false);
  expect([...createCrashStore(sql).quarantined()]).toEqual([]);
});

test('what a dead letter has cut off is not handled as if it were whole', () => {
  take(quarantine);
  take(letter({ payloadBytes: 100_000 }));
  expect(createCrashStore(sql).release(runKey)).toEqual([]);
});
