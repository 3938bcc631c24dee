import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  consumeEach,
  deleteMessage,
  getMessage,
  provision,
  readLast,
  readStranded,
  readStreamFacts,
  subscribeLive,
  TransientError,
} from '../src/index.js';
import { logger, startBus, tasks, text, topology, until, worker } from './bus.js';

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
  const { sequence } = await bus.publisher.publish({ subject, headers: { key: 'value' }, data: '2' });
  const last = await readLast(bus.connection, stream, subject);
  expect(last).toMatchObject({ stream, subject, sequence, headers: { key: 'value' } });
  expect(Object.keys(last?.headers ?? {})).toEqual(['key']);
  expect(text(last?.data ?? new Uint8Array())).toBe('2');
  expect(await readLast(bus.connection, stream, `${prefix}.last.b`)).toBeUndefined();
});

test('a stream that is not there is a transient error', async () => {
  await expect(readLast(bus.connection, 'NONE', 'a')).rejects.toThrow(TransientError);
});

test('a message is read and deleted by its sequence; one that is not there is said to be so', async () => {
  const { sequence } = await bus.publisher.publish({ subject: 'task.other.a', data: 'x' });
  expect(await getMessage(bus.connection, 'TASKS', sequence)).toMatchObject({
    subject: 'task.other.a',
    sequence,
  });
  expect(await deleteMessage(bus.connection, 'TASKS', sequence)).toBe(true);
  expect(await deleteMessage(bus.connection, 'TASKS', sequence)).toBe(false);
  expect(await deleteMessage(bus.connection, 'TASKS', sequence + 1_000)).toBe(false);
  expect(await getMessage(bus.connection, 'TASKS', sequence)).toBeUndefined();
});

test('a stream tells when it was made and how far it goes, also when its last message is gone', async () => {
  const { sequence } = await bus.publisher.publish({ subject: 'task.other.last', data: 'x' });
  await deleteMessage(bus.connection, 'TASKS', sequence);
  const facts = await readStreamFacts(bus.connection, 'TASKS');
  expect(facts.lastSequence).toBe(sequence);
  expect(facts.createdAt).toBeLessThanOrEqual(Date.now());
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

async function stranded(durable = 'worker'): Promise<number[]> {
  const sequences: number[] = [];
  for await (const message of readStranded(bus.connection, { stream: 'TASKS', durable })) {
    sequences.push(message.sequence);
  }
  return sequences;
}

test('nothing is stranded at a consumer that nobody has made yet', async () => {
  expect(await stranded('nobody')).toEqual([]);
});

test('a message delivered too often stays, and is found', async () => {
  let deliveryCount = 0;
  const consumption = consumeEach(bus.connection, {
    stream: 'TASKS',
    durable: 'worker',
    maxInFlight: 1,
    logger,
    handler: async (delivery) => {
      if (delivery.subject === 'task.step.poison') deliveryCount = delivery.deliveryCount;
      if (delivery.subject === 'task.step.good') delivery.ack();
      else delivery.nak();
    },
  });
  const { sequence } = await bus.publisher.publish({ subject: 'task.step.poison', data: 'x' });
  await until(() => expect(deliveryCount).toBe(2));
  expect(await getMessage(bus.connection, 'TASKS', sequence)).toMatchObject({ subject: 'task.step.poison' });
  // Nothing is stranded while it may still be claimed; the consumer passes it with the next acknowledgement.
  expect(await stranded()).toEqual([]);
  await bus.publisher.publish({ subject: 'task.step.good', data: 'x' });
  await until(async () => expect(await stranded()).toEqual([sequence]));
  await deleteMessage(bus.connection, 'TASKS', sequence);
  expect(await stranded()).toEqual([]);
  await consumption.stop();
});
