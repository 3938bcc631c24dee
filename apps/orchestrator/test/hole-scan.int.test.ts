import { deleteMessage, readStreamFacts, subscribeLive } from '@signalbox/messaging';
import { EVENTS } from '@signalbox/protocol';
import { eventually, startTestBus, type TestBus } from '@signalbox/testing';
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

let elapsedMs = 0;
const now = () => elapsedMs;
/** After the first damage, for which nothing waits. */
const pauseMs = 10_000;

/** Looks until a hole is found, or the stream is read to its end. */
const read = async (scan: HoleScan): Promise<number | undefined> => {
  const facts = await readStreamFacts(bus.connection, EVENTS);
  while (!scan.hasReached(facts.lastSequence)) {
    const hole = await scan.look(bus.connection, facts);
    if (hole !== undefined) return hole;
  }
  return undefined;
};

/** Returns the number of the last message. */
const publish = async (count: number, data = '{}'): Promise<number> => {
  const messages = Array.from({ length: count }, (_, index) => ({ subject: `wf.event.${index}`, data }));
  await bus.publisher.publishAll(messages);
  return (await readStreamFacts(bus.connection, EVENTS)).lastSequence;
};

test('a number of the log that cannot be read is found, and once it is passed the next one is', async () => {
  const { connection } = bus;
  const scan = new HoleScan({ now });
  await publish(700);
  expect(await read(scan)).toBeUndefined();
  const before = await readStreamFacts(connection, EVENTS);
  for (const sequence of [1, 300, 650]) await deleteMessage(connection, EVENTS, sequence);
  expect(await read(scan)).toBeUndefined();
  scan.restart();
  // The beginning of a stream is dropped by its limits: that is no hole, also when it happens during a look.
  expect(await scan.look(connection, before)).toBe(300);
  // Not told again at once: it is being mended, or mending it does not help.
  expect(await scan.look(connection, before)).toBeUndefined();
  scan.passTo(300);
  elapsedMs += pauseMs;
  expect(await read(scan)).toBe(650);
  scan.passTo(650);
  expect(await read(scan)).toBeUndefined();
  expect(scan.hasReached(before.lastSequence)).toBe(true);
});

test('a log that was mended twice is whole when it is read as far as it went then, however much comes meanwhile', async () => {
  const { connection } = bus;
  // Reads less at one look than comes between two.
  const scan = new HoleScan({ now, maxLookMs: 0 });
  scan.passTo(await publish(1));
  for (const foundCount of [1, 2]) {
    const end = await publish(100);
    await deleteMessage(connection, EVENTS, end - 50);
    expect([await read(scan), scan.foundCount]).toEqual([end - 50, foundCount]);
    scan.passTo(end);
    await publish(100);
    elapsedMs += pauseMs;
  }
  for (let lookCount = 0; scan.foundCount > 0; lookCount += 1) {
    expect(lookCount).toBeLessThan(20);
    await scan.look(connection, await readStreamFacts(connection, EVENTS));
    await publish(100);
  }
});

test('what is stored while the log is read, and later, is asked for an hour after that, and then all before it too', async () => {
  const { connection } = bus;
  const scan = new HoleScan({ now });
  scan.passTo(await publish(1));
  const first = await publish(10);
  expect(await read(scan)).toBeUndefined();
  const end = await publish(10);
  await deleteMessage(connection, EVENTS, first - 1);
  const look = async () => scan.look(connection, await readStreamFacts(connection, EVENTS));
  expect(await look()).toBeUndefined();
  expect(scan.hasReached(first + 1)).toBe(false);
  elapsedMs += 3_600_000;
  const holes: (number | undefined)[] = [];
  while (!scan.hasReached(end)) {
    const hole = await look();
    if (hole === undefined) continue;
    holes.push(hole);
    scan.passTo(hole);
    elapsedMs += 10 * pauseMs;
  }
  expect(holes.at(-1)).toBe(first - 1);
});

test('what is asked for at once is bounded, by what the last answers weigh', async () => {
  const scan = new HoleScan();
  scan.passTo(await publish(1));
  await publish(100);
  await publish(60, JSON.stringify('x'.repeat(512 * 1024)));
  let [askedCount, answeredCount, mostSmall, mostLarge] = [0, 0, 0, 0];
  const tap = await bus.connect('tap');
  const asked = subscribeLive(tap, `$JS.API.DIRECT.GET.${EVENTS}`, () => {
    askedCount += 1;
    mostSmall = Math.max(mostSmall, askedCount - answeredCount);
    // Of the large ones, when some of them are known.
    if (answeredCount > 100 + 40) mostLarge = Math.max(mostLarge, askedCount - answeredCount);
  });
  const answered = subscribeLive(tap, '_INBOX.>', ({ headers }) => {
    if (headers['Nats-Sequence'] !== undefined) answeredCount += 1;
  });
  await Promise.all([asked.ready, answered.ready]);
  expect(await read(scan)).toBeUndefined();
  await eventually(() => answeredCount === 160, { describe: 'all answers were seen' });
  expect(mostSmall).toBeLessThanOrEqual(32);
  expect(mostLarge).toBeGreaterThan(0);
  expect(mostLarge).toBeLessThanOrEqual(8);
  asked.close();
  answered.close();
});
