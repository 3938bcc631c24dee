import { createLogger } from '@signalbox/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  ContractError,
  createPublisher,
  ForbiddenError,
  openConnection,
  PublishError,
  provision,
  readLast,
  subscribeLive,
  TooLargeError,
  TransientError,
} from '../src/index.js';
import { events, range, startBus, storedData, topology, until } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;
beforeEach(async () => {
  bus = await startBus();
  await provision(bus.connection, topology);
});
afterEach(() => bus.stop());

const message = (index: number) => ({ subject: `event.${index % 7}`, id: `m${index}`, data: `${index}` });

test('a batch is stored in the order given, and a message given again is flagged and stored once', async () => {
  const messages = range(2_000).map(message);
  const first = await bus.publisher.publishAll(messages);
  expect(first.map(({ sequence }) => sequence)).toEqual(range(2_000).map((index) => index + 1));
  expect(first.some(({ isDuplicate }) => isDuplicate)).toBe(false);
  const again = await bus.publisher.publish(message(41));
  expect(again).toEqual({ stream: 'EVENTS', sequence: 42, isDuplicate: true });
  expect(await storedData(await bus.connect())).toEqual(range(2_000).map(String));
});

test('headers and binary data arrive as they were given', async () => {
  const data = Uint8Array.from([0, 255, 13, 10]);
  await bus.publisher.publish({ subject: 'event.a', id: 'a', headers: { traceparent: '00-ab-cd-01' }, data });
  const stored = await readLast(bus.connection, 'EVENTS', 'event.a');
  expect(stored?.headers).toEqual({ 'Nats-Msg-Id': 'a', traceparent: '00-ab-cd-01' });
  expect([...(stored?.data ?? [])]).toEqual([...data]);
});

test('a line end in a header is refused, and stops none of the others', async () => {
  const odd = { ...message(1), headers: { traceparent: 'x\r\nNats-Msg-Id: m0' } };
  const error = await bus.publisher
    .publishAll([message(0), odd, message(2)])
    .catch((cause: unknown) => cause);
  const { outcomes } = error as PublishError;
  expect(outcomes.map((outcome) => outcome instanceof ContractError)).toEqual([false, true, false]);
  expect(await storedData(await bus.connect())).toEqual(['0', '2']);
});

test('no more than the permitted number of messages is unacknowledged, and all are stored', async () => {
  const publisher = createPublisher(bus.connection, { maxUnacknowledged: 3 });
  const outcomes = await publisher.publishAll(range(50).map(message));
  expect(outcomes.map(({ sequence }) => sequence)).toEqual(range(50).map((index) => index + 1));
  publisher.close();
});

test('a publish that no stream takes is a transient error at its deadline', async () => {
  const publisher = createPublisher(bus.connection, { deadlineMs: 300 });
  await expect(publisher.publish({ subject: 'nobody', data: 'x' })).rejects.toThrow(TransientError);
  publisher.close();
});

test('what nobody takes at the moment is stored as soon as somebody does', async () => {
  const late = { ...events, name: 'LATE', subjects: ['late.>'] };
  let isStored = false;
  const stored = bus.publisher.publish({ subject: 'late.a', id: 'l1', data: 'x' }).then((outcome) => {
    isStored = true;
    return outcome;
  });
  await bus.publisher.publish({ subject: 'event.a', id: 'e1', data: 'x' });
  expect(isStored).toBe(false);
  await provision(bus.connection, { streams: [late], consumers: [] });
  expect(await stored).toMatchObject({ stream: 'LATE', sequence: 1 });
});

test('what the permissions of the server forbid is refused for good, and stops none of the others', async () => {
  await bus.kill();
  await bus.restart([
    'authorization { users: [ { user: "limited", password: "x", permissions: { publish: { deny: ["event.no"] } } } ] }',
    'no_auth_user: "limited"',
  ]);
  const lines: string[] = [];
  const logger = createLogger({ service: 'test', level: 'warn', write: (line) => lines.push(line) });
  const connection = await openConnection({ url: bus.url, name: 'test', logger });
  const publisher = createPublisher(connection, { sight: 'number' });
  const error = await publisher
    .publishAll(['event.a', 'event.no', 'event.b'].map((subject) => ({ subject, id: subject, data: 'x' })))
    .catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(PublishError);
  const { outcomes } = error as PublishError;
  expect(outcomes.map((outcome) => outcome instanceof ForbiddenError)).toEqual([false, true, false]);
  expect(await storedData(await bus.connect())).toHaveLength(2);
  // An operator has to know which right is missing.
  expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({
    msg: 'the bus reported an error',
    operation: 'publish',
    subject: 'event.no',
  });
  // Said once, however often it is tried.
  for (let count = 0; count < 20; count += 1)
    await publisher.publish({ subject: 'event.no', id: `${count}`, data: 'x' }).catch(() => undefined);
  expect(lines).toHaveLength(1);
  publisher.close();
  await connection.close();
});

test('a full stream refuses what is too much, and says which messages are stored', async () => {
  const full = { ...events, name: 'FULL', subjects: ['full.>'], discard: 'new' as const, maxBytes: 2_000 };
  await provision(bus.connection, { streams: [full], consumers: [] });
  const messages = range(4).map((index) => ({ subject: 'full.a', id: `f${index}`, data: 'x'.repeat(800) }));
  const error = await bus.publisher.publishAll(messages).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(PublishError);
  expect(error).toBeInstanceOf(TransientError);
  const { outcomes } = error as PublishError;
  expect(outcomes.map((outcome) => outcome instanceof TransientError)).toEqual([false, false, true, true]);
  expect((outcomes[2] as TransientError).cause).toMatchObject({ code: expect.any(Number) });
});

test('a message larger than the server takes is refused for good, and stops none of the others', async () => {
  const large = { subject: 'event.a', data: 'x'.repeat(1_048_576) };
  await expect(bus.publisher.publish(large)).rejects.toThrow(TooLargeError);
  await expect(bus.publisher.publish(large)).rejects.toThrow(/\d{7} bytes .*1048576/);
  const error = await bus.publisher.publishAll([message(0), large, message(1)]).catch((cause) => cause);
  expect(error).toBeInstanceOf(PublishError);
  const { outcomes } = error as PublishError;
  expect(outcomes.map((outcome) => outcome instanceof TooLargeError)).toEqual([false, true, false]);
  expect(await storedData(await bus.connect())).toEqual(['0', '1']);
});

test('a publish that nobody acknowledges in time is a transient error', async () => {
  const publisher = createPublisher(bus.connection, { ackTimeoutMs: 50, deadlineMs: 200 });
  await bus.kill();
  await expect(publisher.publish(message(1))).rejects.toThrow(TransientError);
  publisher.close();
  await bus.restart();
});

test('a server killed in the middle of publishing loses nothing and stores nothing twice', async () => {
  const total = 20_000;
  let doneCount = 0;
  const publishing = (async () => {
    for (let from = 0; from < total; from += 200) {
      await bus.publisher.publishAll(range(200).map((index) => message(from + index)));
      doneCount = from + 200;
    }
  })();
  for (const mark of [2_000, 8_000]) {
    await until(() => expect(doneCount).toBeGreaterThan(mark));
    await bus.kill();
    await bus.restart();
  }
  await publishing;
  expect((await storedData(await bus.connect())).map(Number).sort((a, b) => a - b)).toEqual(range(total));
});

test('what is sent a second time says so, and what is sent once does not', async () => {
  const heard: (string | undefined)[] = [];
  // Somebody listens, so the server does not answer that nobody does; nobody acknowledges.
  const live = subscribeLive(bus.connection, 'nobody.stores.this', ({ headers }) =>
    heard.push(headers['signalbox-repeated']),
  );
  await live.ready;
  const publisher = createPublisher(bus.connection, { ackTimeoutMs: 50, deadlineMs: 400 });
  const publishing = publisher.publish({ subject: 'nobody.stores.this', id: 'once', data: 'x' });
  await expect(publishing).rejects.toBeInstanceOf(TransientError);
  expect(heard.slice(0, 2)).toEqual([undefined, '1']);
  live.close();
  publisher.close();
});
