/** Publishing into a stream of which one is the only publisher: two acknowledgements for all that goes out in a row. */
import { connect as connectTo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linkOf } from '../src/connection.js';
import {
  type Connection,
  ContractError,
  createPublisher,
  getMessage,
  type OutgoingMessage,
  openConnection,
  PublishError,
  provision,
  type RowKind,
  readStreamFacts,
} from '../src/index.js';
import { events, logger, range, startBus, storedData, text, topology, until } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;
const closings: (() => unknown)[] = [];
beforeEach(async () => {
  bus = await startBus();
  await provision(bus.connection, topology);
});
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
  await bus.stop();
});

const message = (index: number) => ({ subject: `event.${index % 7}`, id: `m${index}`, data: `${index}` });
const solePublisher = (connection: Connection, ackTimeoutMs?: number, kind: RowKind = 'sole') => {
  const rowKindOf = ({ subject }: OutgoingMessage) => (subject.startsWith('event.') ? kind : undefined);
  const timeout = ackTimeoutMs === undefined ? {} : { ackTimeoutMs };
  const publisher = createPublisher(connection, { sight: 'number', rowKindOf, ...timeout });
  closings.push(() => publisher.close());
  return publisher;
};
const received = (connection: Connection) => linkOf(connection).nats.stats().inMsgs;
const storedAt = async (sequence: number) => {
  const there = await getMessage(bus.connection, events.name, sequence);
  return there === undefined ? undefined : text(there.data);
};
const storedCount = async () => (await readStreamFacts(bus.connection, events.name)).lastSequence;

/** What a client says passes through here; a message of which `isDropped` is true never arrives. */
async function dropping(isDropped: (frame: string) => boolean): Promise<Connection> {
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const upstream = connectTo(bus.port, '127.0.0.1');
    sockets.push(client, upstream);
    upstream.pipe(client);
    let left = Buffer.alloc(0);
    client.on('data', (chunk) => {
      left = Buffer.concat([left, chunk]);
      for (let end = frameEnd(left); end > 0; end = frameEnd(left)) {
        const frame = left.subarray(0, end);
        left = left.subarray(end);
        if (!isDropped(frame.toString())) upstream.write(frame);
      }
    });
    for (const socket of [client, upstream])
      socket.on('error', () => undefined).on('close', () => [client, upstream].map((one) => one.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const connection = await openConnection({ url: `nats://127.0.0.1:${address.port}`, name: 'test', logger });
  closings.push(async () => {
    await connection.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return connection;
}

/** Behind the first whole line, and behind the message that follows it. 0 where it is not whole yet. */
function frameEnd(buffer: Buffer): number {
  const lineEnd = buffer.indexOf('\r\n');
  if (lineEnd < 0) return 0;
  const line = buffer.subarray(0, lineEnd).toString();
  const size = /^H?PUB /i.test(line) ? Number(line.split(' ').at(-1)) + 2 : 0;
  const end = lineEnd + 2 + size;
  return buffer.length < end ? 0 : end;
}

test('what goes out in a row is stored in its order and asks for two acknowledgements', async () => {
  const publisher = solePublisher(bus.connection);
  const before = received(bus.connection);
  const outcomes = await publisher.publishAll(range(500).map(message));
  expect(received(bus.connection) - before).toBe(2);
  expect(outcomes).toEqual(
    range(500).map((index) => ({ stream: 'EVENTS', sequence: index + 1, isDuplicate: false })),
  );
  expect(await storedAt(250)).toBe('249');
});

test('a message lost inside a row is seen by the number of the last, and is sent again', async () => {
  const lost = new Set(['m3', 'm4', 'm17']);
  const connection = await dropping((frame) => {
    const id = [...lost].find((one) => frame.includes(`Nats-Msg-Id: ${one}\r\n`));
    return id !== undefined && lost.delete(id);
  });
  const outcomes = await solePublisher(connection).publishAll(range(20).map(message));
  expect(lost.size).toBe(0);
  expect(await storedCount()).toBe(20);
  for (const [index, { sequence }] of outcomes.entries())
    expect(await storedAt(sequence ?? 0)).toBe(`${index}`);
});

test.each(['m0', 'm19'])('a row without the end %s proves nothing, and all of it is stored', async (end) => {
  let isLost = false;
  const connection = await dropping((frame) => {
    if (isLost || !frame.includes(`Nats-Msg-Id: ${end}\r\n`)) return false;
    isLost = true;
    return true;
  });
  const outcomes = await solePublisher(connection, 100).publishAll(range(20).map(message));
  expect(await storedCount()).toBe(20);
  for (const [index, { sequence }] of outcomes.entries())
    expect(await storedAt(sequence ?? 0)).toBe(`${index}`);
});

test.each([[0], [5], [9], [0, 5, 9], range(10)])(
  'what the stream has already makes no number wrong (%j, ...)',
  async (...had) => {
    for (const index of had) await bus.publisher.publish(message(index));
    const outcomes = await solePublisher(bus.connection).publishAll(range(10).map(message));
    for (const index of had) expect(outcomes[index]?.isDuplicate).toBe(true);
    for (const [index, { sequence }] of outcomes.entries())
      expect(await storedAt(sequence ?? 0)).toBe(`${index}`);
    expect(await storedCount()).toBe(10);
  },
);

test('what the stream refuses inside a row is said, and the rest is stored', async () => {
  await solePublisher(bus.connection).publishAll(range(3).map(message));
  await linkOf(bus.connection).manager.streams.update('EVENTS', { max_msg_size: 200 });
  const messages = range(6).map((index) => ({
    ...message(index + 3),
    ...(index === 2 ? { data: 'x'.repeat(500) } : {}),
  }));
  const error = await solePublisher(bus.connection)
    .publishAll(messages)
    .catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(PublishError);
  const { outcomes } = error as PublishError;
  expect(outcomes.map((outcome) => outcome instanceof ContractError)).toEqual(
    range(6).map((index) => index === 2),
  );
  expect(await storedCount()).toBe(8);
});

test('a stranger who publishes between them makes no number wrong', async () => {
  const stranger = createPublisher(await bus.connect(), { sight: 'number' });
  const own = solePublisher(bus.connection);
  const [outcomes] = await Promise.all([
    own.publishAll(range(3_000).map(message)),
    stranger.publishAll(range(3_000).map((index) => ({ subject: 'event.x', id: `x${index}`, data: 'x' }))),
  ]);
  stranger.close();
  expect(await storedCount()).toBe(6_000);
  for (const index of range(60).map((step) => step * 50))
    expect(await storedAt(outcomes[index]?.sequence ?? 0)).toBe(`${index}`);
});

test('a watched row asks for two acknowledgements, whoever publishes between them', async () => {
  const stranger = createPublisher(await bus.connect(), { sight: 'number' });
  const connection = await bus.connect();
  const own = solePublisher(connection, 10_000, 'watched');
  const [before, total, size] = [received(connection), 5_000, 100];
  const publishing = (async () => {
    const outcomes = [];
    for (let from = 0; from < total; from += size)
      outcomes.push(...(await own.publishAll(range(size).map((index) => message(from + index)))));
    return outcomes;
  })();
  const strangers = range(3_000).map((index) => ({ subject: 'event.x', id: `x${index}`, data: 'x' }));
  const [outcomes] = await Promise.all([publishing, stranger.publishAll(strangers)]);
  stranger.close();
  expect(received(connection) - before).toBe((2 * total) / size);
  expect(await storedCount()).toBe(total + strangers.length);
  for (const [index, { sequence }] of outcomes.entries())
    if (sequence !== undefined && index % 97 === 0) expect(await storedAt(sequence ?? 0)).toBe(`${index}`);
});

test('a message lost inside a watched row is seen where nobody else has published meanwhile, and is sent again', async () => {
  let isLost = false;
  const connection = await dropping((frame) => {
    if (isLost || !frame.includes('Nats-Msg-Id: m7\r\n')) return false;
    isLost = true;
    return true;
  });
  const outcomes = await solePublisher(connection, 10_000, 'watched').publishAll(range(20).map(message));
  expect(isLost).toBe(true);
  for (const [index, { sequence }] of outcomes.entries())
    expect(await storedAt(sequence ?? 0)).toBe(`${index}`);
});

test('a server killed in the middle of a row loses nothing and stores nothing twice', async () => {
  const publisher = solePublisher(bus.connection);
  const total = 20_000;
  let doneCount = 0;
  const publishing = (async () => {
    for (let from = 0; from < total; from += 200) {
      const outcomes = await publisher.publishAll(range(200).map((index) => message(from + index)));
      expect(outcomes).toHaveLength(200);
      doneCount = from + 200;
    }
  })();
  for (const mark of [2_000, 8_000, 14_000]) {
    await until(() => expect(doneCount).toBeGreaterThan(mark));
    await bus.kill();
    await bus.restart();
  }
  await publishing;
  const stored = (await storedData(await bus.connect())).map(Number).sort((a, b) => a - b);
  expect(stored).toEqual(range(total));
});
