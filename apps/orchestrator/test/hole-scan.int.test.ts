import { deleteMessage, readStreamFacts } from '@signalbox/messaging';
import { EVENTS } from '@signalbox/protocol';
import { startTestBus, type TestBus } from '@signalbox/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HoleScan } from '../src/log/hole-scan.js';

/** As the log, but what lies in it may be deleted: so a number that cannot be read is made. */
const stream = {
  name: EVENTS,
  subjects: ['wf.event.>'],
  retention: 'limits',
  discard: 'old',
  duplicateWindowMs: 120_000,
  allowDirect: true,
  denyDelete: false,
  maxAgeMs: 0,
  maxBytes: -1,
  replicas: 1,
} as const;

let bus: TestBus;
beforeAll(async () => {
  bus = await startTestBus({ topology: { streams: [stream], consumers: [] } });
});
afterAll(() => bus?.stop());

test('a number of the log that cannot be read is found, and once it is passed the next one is', async () => {
  const { connection, publisher } = bus;
  const scan = new HoleScan();
  const look = async () => scan.look(connection, await readStreamFacts(connection, EVENTS));
  const messages = Array.from({ length: 700 }, (_, index) => ({ subject: `wf.event.${index}`, data: '{}' }));
  await publisher.publishAll(messages);
  expect([await look(), await look()]).toEqual([undefined, undefined]);
  expect(scan.hasReached(700)).toBe(true);
  for (const sequence of [1, 300, 650]) await deleteMessage(connection, EVENTS, sequence);
  expect(await look()).toBeUndefined();
  scan.restart();
  // The beginning of a stream is dropped by its limits: that is no hole.
  expect([await look(), await look()]).toEqual([300, 300]);
  scan.passTo(300);
  expect([await look(), await look()]).toEqual([650, 650]);
  expect(scan.hasReached(700)).toBe(false);
});
