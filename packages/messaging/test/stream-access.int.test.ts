import { setImmediate as nextTurn } from 'node:timers/promises';
import { describeStream } from '@signalbox/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { linkOf } from '../src/connection.js';
import {
  consumeEach,
  deleteMessage,
  getMessage,
  listenForSigns,
  provision,
  readClaimed,
  readLast,
  readNewest,
  readStreamFacts,
  subscribeLive,
  TransientError,
} from '../src/index.js';
import { gate, logger, range, startBus, tasks, text, topology, until, worker } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;
beforeAll(async () => {
  bus = await startBus();
  const plain = { ...tasks, name: 'PLAIN', subjects: ['plain.>'], allowDirect: false };
  await provision(bus.connection, {
    streams: [...topology.streams, plain],
    consumers: [{ ...worker, ackWaitMs: 100, maxDeliver: 2 }],
  });
});
afterAll(() => bus.stop());

test.each([
  ['EVENTS', 'event'],
  ['PLAIN', 'plain'],
])('the last message on a subject of %s is found, direct reads or not', async (stream, prefix) => {
  const subject = `${prefix}.last.a`;
  await bus.publisher.publish({ subject, data: '1' });
  const { sequence = 0 } = await bus.publisher.publish({ subject, headers: { key: 'value' }, data: '2' });
  const last = await readLast(bus.connection, stream, subject);
  expect(last).toMatchObject({ stream, subject, sequence, headers: { key: 'value' } });
  expect(Object.keys(last?.headers ?? {})).toEqual(['key']);
  expect(text(last?.data ?? new Uint8Array())).toBe('2');
  expect(await readLast(bus.connection, stream, `${prefix}.last.b`)).toBeUndefined();
});

test('a stream that is not there is a transient error', async () => {
  await expect(readLast(bus.connection, 'NONE', 'a')).rejects.toThrow(TransientError);
});

test('a server is asked for no message of a stream that it is making: 2.9 ends of it', async () => {
  // Of one connection the server takes one request after the other.
  const { manager } = linkOf(await bus.connect());
  const readers = range(40);
  const made = { name: 'MADE', subjects: ['made.>'] };
  for (const _ of range(20)) {
    const refused = new Set<number>();
    let isOver = false;
    const reading = readers.map(async (reader) => {
      while (!isOver) {
        await readNewest(bus.connection, made.name, 'made.>').catch((error: unknown) => {
          if (!(error instanceof TransientError)) throw error;
          refused.add(reader);
        });
        await nextTurn();
      }
    });
    await until(() => expect(refused.size).toBe(readers.length));
    try {
      await manager.streams.add({ ...made });
    } finally {
      isOver = true;
    }
    await Promise.all(reading);
    await manager.streams.delete(made.name);
  }
  await bus.connection.flush();
  expect(linkOf(bus.connection).breakCount).toBe(0);
}, 60_000);

test('a message is read and deleted by its sequence; one that is not there is said to be so', async () => {
  const { sequence = 0 } = await bus.publisher.publish({ subject: 'task.other.a', data: 'x' });
  expect(await getMessage(bus.connection, 'TASKS', sequence)).toMatchObject({
    subject: 'task.other.a',
    sequence,
  });
  expect(await deleteMessage(bus.connection, 'TASKS', sequence)).toBe(true);
  expect(await deleteMessage(bus.connection, 'TASKS', sequence)).toBe(false);
  expect(await deleteMessage(bus.connection, 'TASKS', sequence + 1_000)).toBe(false);
  expect(await getMessage(bus.connection, 'TASKS', sequence)).toBeUndefined();
});

test('a stream tells which one it is, since when it has messages, and how far it goes, also when the last is gone', async () => {
  const { sequence = 0 } = await bus.publisher.publish({ subject: 'task.other.last', data: 'x' });
  const before = await readStreamFacts(bus.connection, 'TASKS');
  expect(before.firstAt).toBeLessThanOrEqual(Date.now());
  await deleteMessage(bus.connection, 'TASKS', sequence);
  const after = await readStreamFacts(bus.connection, 'TASKS');
  expect(after).toMatchObject({ id: before.id, lastSequence: sequence });
});

test('a stream that was made anew is another one, whatever else is the same', async () => {
  const { manager } = linkOf(bus.connection);
  const name = 'ANEW';
  const make = (streamId: string) =>
    manager.streams.add({
      name,
      subjects: ['anew.>'],
      description: describeStream({
        installationId: 'i',
        streamId,
        holder: 'h',
        isWhole: true,
        isCut: false,
      }),
    });
  await make('first');
  const { id, firstAt } = await readStreamFacts(bus.connection, name);
  expect([id, firstAt]).toEqual(['first', undefined]);
  await manager.streams.delete(name);
  await make('second');
  expect((await readStreamFacts(bus.connection, name)).id).toBe('second');
});

test('a live subscriber hears what is published into a stream', async () => {
  const heard: string[] = [];
  const live = subscribeLive(await bus.connect(), 'event.live.>', ({ subject, data }) =>
    heard.push(`${subject} ${text(data)}`),
  );
  await live.ready;
  await bus.publisher.publish({ subject: 'event.live.a', data: '1' });
  await until(() => expect(heard).toEqual(['event.live.a 1']));
  live.close();
});

async function claimed(): Promise<{ sequence: number; isPassed: boolean }[]> {
  const found: { sequence: number; isPassed: boolean }[] = [];
  const source = { stream: 'TASKS', durable: 'worker' };
  for await (const { message, isPassed } of readClaimed(bus.connection, source))
    found.push({ sequence: message.sequence, isPassed });
  return found.sort((one, other) => one.sequence - other.sequence);
}

test('nothing is claimed by a consumer that nobody has made yet', async () => {
  const source = { stream: 'TASKS', durable: 'nobody' };
  expect(await readClaimed(bus.connection, source).next()).toEqual({ done: true, value: undefined });
});

test('what is in hand is claimed and not passed; what was delivered too often is passed and stays', async () => {
  const { opened, open } = gate();
  let deliveryCount = 0;
  const consumption = consumeEach(bus.connection, {
    stream: 'TASKS',
    durable: 'worker',
    maxInFlight: 2,
    logger,
    heartbeatMs: 20,
    handler: async (delivery) => {
      if (delivery.subject === 'task.step.long') {
        await opened;
        delivery.ack();
        return;
      }
      deliveryCount = delivery.deliveryCount;
      delivery.nak();
    },
  });
  const { sequence: long = 0 } = await bus.publisher.publish({ subject: 'task.step.long', data: 'x' });
  await until(async () => expect(await claimed()).toEqual([{ sequence: long, isPassed: false }]));
  const { sequence: poison = 0 } = await bus.publisher.publish({ subject: 'task.step.poison', data: 'x' });
  await until(() => expect(deliveryCount).toBe(2));
  // It waits behind what is in hand: the consumer cannot tell whether it is passed. Only who has one gives signs of life.
  await until(async () =>
    expect(await claimed()).toEqual([
      { sequence: long, isPassed: false },
      { sequence: poison, isPassed: false },
    ]),
  );
  const signs = listenForSigns(bus.connection, { stream: 'TASKS', maxSilenceMs: 1_500 });
  await until(() =>
    expect([long, poison].map((sequence) => signs.isSilent(sequence))).toEqual([false, true]),
  );
  signs.close();
  open();
  await until(async () => expect(await claimed()).toEqual([{ sequence: poison, isPassed: true }]));
  await deleteMessage(bus.connection, 'TASKS', poison);
  expect(await claimed()).toEqual([]);
  await consumption.stop();
});

test('each claimed message is read once, however many there are and however far apart', async () => {
  const source = { stream: 'TASKS', durable: 'worker' };
  const { opened, open } = gate();
  const consumption = consumeEach(bus.connection, {
    ...source,
    maxInFlight: 100,
    logger,
    heartbeatMs: 20,
    handler: async (delivery) => {
      await opened;
      delivery.ack();
    },
  });
  const sequences: number[] = [];
  for (let index = 0; index < 90; index += 1) {
    const { sequence = 0 } = await bus.publisher.publish({ subject: `task.step.many-${index}`, data: 'x' });
    sequences.push(sequence);
    // Numbers that are gone lie between.
    const gone = await bus.publisher.publish({ subject: 'task.other.gone', data: 'x' });
    await deleteMessage(bus.connection, 'TASKS', gone.sequence ?? 0);
  }
  const of = (found: { sequence: number }[]) => found.map(({ sequence }) => sequence);
  await until(async () =>
    expect(of(await claimed()).filter((sequence) => sequence >= Math.min(...sequences))).toEqual(sequences),
  );
  open();
  await consumption.stop();
});
