/**
 * What nats-server does, as measured and built upon; nothing of ours takes part but the connection. A newer server is
 * checked by running this: the first group says what is broken in 2.9 and fails when a server has mended it.
 */
import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { AckPolicy, DeliverPolicy, type JsMsg, jetstream, RetentionPolicy } from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/nats-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkOf } from '../src/connection.js';
import { pause } from '../src/pause.js';
import { startBus, until } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;
let streamCount = 0;

beforeAll(async () => {
  bus = await startBus();
});
afterAll(() => bus.stop());

const ackWaitMs = 600;
const durable = 'worker';

/** A work queue of ten tasks, `<queue>.0` to `<queue>.9`, with one consumer. */
const openQueue = async (waitMs = ackWaitMs) => {
  const { manager, nats } = linkOf(bus.connection);
  const js = jetstream(nats as NatsConnection);
  streamCount += 1;
  const queue = `queue${streamCount}`;
  await manager.streams.add({ name: queue, subjects: [`${queue}.>`], retention: RetentionPolicy.Workqueue });
  const addConsumer = () =>
    manager.consumers.add(queue, {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      filter_subject: `${queue}.>`,
      ack_wait: nanos(waitMs),
    });
  await addConsumer();
  for (let task = 0; task < 10; task += 1) await js.publish(`${queue}.${task}`, String(task));
  const consumer = () => js.consumers.get(queue, durable);
  /** What arrives until nothing has come for longer than the ack wait. */
  const claim = async (count: number, expiresMs = 2 * ackWaitMs + 1_000): Promise<JsMsg[]> => {
    const claimed: JsMsg[] = [];
    const messages = await (await consumer()).fetch({ max_messages: count, expires: expiresMs });
    for await (const message of messages) claimed.push(message);
    return claimed;
  };
  return { queue, manager, addConsumer, claim };
};

const sequencesOf = (messages: readonly JsMsg[]): number[] => messages.map(({ seq }) => seq);

describe('a purge with a filter, on nats-server 2.9', () => {
  test('loses tasks that it does not match: those that lie unclaimed are passed over', async () => {
    const { queue, manager, claim } = await openQueue();
    await claim(1);
    await manager.streams.purge(queue, { filter: `${queue}.5` });
    expect(sequencesOf(await claim(10))).not.toEqual([2, 3, 4, 5, 7, 8, 9, 10]);
  });

  test('does so even when it matches nothing, and what was claimed never comes back', async () => {
    const { queue, manager, claim } = await openQueue();
    expect(sequencesOf(await claim(3))).toEqual([1, 2, 3]);
    const { purged } = await manager.streams.purge(queue, { filter: `${queue}.nothing` });
    expect(purged).toBe(0);
    expect((await manager.streams.info(queue)).state.messages).toBe(10);
    expect((await claim(10)).length).toBeLessThan(10);
  });
});

describe('a file of a work queue that was cut short, on nats-server 2.9', () => {
  test('makes it store and acknowledge what it does not give back, by number or for a consumer', async () => {
    const { queue, manager, claim } = await openQueue();
    const js = jetstream(linkOf(bus.connection).nats as NatsConnection);
    for (let task = 10; task < 100; task += 1) await js.publish(`${queue}.${task}`, String(task));
    // What has gone through it lies at its beginning, and what waits at its end.
    for (const message of await claim(60)) await message.ackAck();
    const before = (await manager.streams.info(queue)).state;
    expect(before.first_seq).toBe(61);
    await bus.stopServer();
    const file = join(bus.storeDir, 'jetstream', '$G', 'streams', queue, 'msgs', '1.blk');
    await truncate(file, Math.floor((await stat(file)).size / 3));
    await bus.restart();
    await until(() => expect(bus.connection.status).toBe('connected'));
    const { seq } = await js.publish(`${queue}.new`, 'new');
    expect(seq).toBeLessThan(before.first_seq);
    expect((await manager.streams.info(queue)).state.messages).toBe(1);
    expect(await manager.streams.getMessage(queue, { seq })).toBeNull();
    const next = { seq: 1, next_by_subj: '>' };
    expect(await manager.streams.getMessage(queue, next)).toBeNull();
    expect(await claim(1)).toEqual([]);
  });
});

describe('a deletion by number', () => {
  test('takes that one task, claimed or not, and disturbs no other', async () => {
    const { queue, manager, claim } = await openQueue();
    expect(sequencesOf(await claim(3))).toEqual([1, 2, 3]);
    await manager.streams.deleteMessage(queue, 2, false);
    await manager.streams.deleteMessage(queue, 6, false);
    const later = sequencesOf(await claim(8));
    expect([...later].sort((a, b) => a - b)).toEqual([1, 3, 4, 5, 7, 8, 9, 10]);
  });
});

describe('a durable consumer that is deleted and made again', () => {
  test('delivers what is not acknowledged at once, in stream order, as first deliveries', async () => {
    const { queue, manager, addConsumer, claim } = await openQueue();
    const held = await claim(6);
    await held[1]?.ackAck();
    await manager.consumers.delete(queue, durable);
    await addConsumer();
    const askedAt = Date.now();
    const again = await claim(9);
    expect(Date.now() - askedAt).toBeLessThan(ackWaitMs);
    expect(sequencesOf(again)).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(again.map(({ info }) => info.deliveryCount)).toEqual(Array(9).fill(1));
  });

  test('takes the acknowledgement of a delivery that its predecessor made', async () => {
    const { queue, manager, addConsumer, claim } = await openQueue();
    const held = await claim(2);
    await manager.consumers.delete(queue, durable);
    await addConsumer();
    held[0]?.ack();
    expect(sequencesOf(await claim(9))).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect((await manager.streams.info(queue)).state.messages).toBe(9);
  });
});

/**
 * It writes down separately, each at its own time, that a message was acknowledged and that it was removed. Which of the
 * two it knows after a kill depends on the moment; here the other one is written down first on purpose.
 */
describe('a server that is killed', () => {
  const restart = async (): Promise<void> => {
    await bus.kill();
    await bus.restart();
    await until(() => expect(bus.connection.status).toBe('connected'));
  };
  const stateOf = async (queue: string) => {
    const { manager } = linkOf(bus.connection);
    const { num_ack_pending, ack_floor, delivered } = await manager.consumers.info(queue, durable);
    return {
      pendingCount: num_ack_pending,
      floor: ack_floor.stream_seq,
      delivered: delivered.stream_seq,
      lying: await lying(queue),
    };
  };
  const lying = async (queue: string): Promise<number[]> => {
    const { manager } = linkOf(bus.connection);
    const found = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        manager.streams.getMessage(queue, { seq: index + 1 }).catch(() => null),
      ),
    );
    return found.flatMap((message) => message?.seq ?? []);
  };

  /** What is written down first is a matter of the moment: tried until it was the other way round. */
  const untilSeen = async (trial: () => Promise<boolean>): Promise<void> => {
    for (let count = 1; !(await trial()); count += 1) expect(count).toBeLessThan(20);
  };

  test('may keep what was acknowledged and deliver it to nobody, also behind a task that is in hand', async () => {
    await untilSeen(async () => {
      const { queue, claim } = await openQueue(300_000);
      const held = await claim(3, 1_000);
      await held[1]?.ackAck();
      await until(async () => expect((await stateOf(queue)).pendingCount).toBe(2));
      // The consumer writes it down within some 50 ms, the stream takes longer.
      await pause(200, undefined);
      await restart();
      const { lying: left, pendingCount, floor } = await stateOf(queue);
      return left.includes(2) && pendingCount === 2 && floor < 2;
    });
  });

  test('may wait for the acknowledgement of what it has removed: the floor stays, whatever is acknowledged behind', async () => {
    await untilSeen(async () => {
      const { queue, manager, claim } = await openQueue(300_000);
      const held = await claim(6, 1_000);
      // With its content, which is written down at once.
      await manager.streams.deleteMessage(queue, 3, true);
      await restart();
      for (const message of held.filter(({ seq }) => seq !== 3)) message.ack();
      for (const message of await claim(4, 1_000)) message.ack();
      await until(async () => expect(await stateOf(queue)).toMatchObject({ lying: [], delivered: 10 }));
      const { pendingCount, floor } = await stateOf(queue);
      return pendingCount === 1 && floor === 2;
    });
  });
});

describe('what a server says of when a stream was made, on nats-server 2.9', () => {
  test('is another instant after its settings were changed and the server was started again twice', async () => {
    const { manager } = linkOf(bus.connection);
    const name = 'made';
    const restart = async () => {
      await bus.kill();
      await bus.restart();
      await until(() => expect(bus.connection.status).toBe('connected'));
    };
    const change = (description: string) => manager.streams.update(name, { description });
    const madeAt = async () => (await manager.streams.info(name)).created;
    await manager.streams.add({ name, subjects: ['made.>'] });
    const first = await madeAt();
    await change('once');
    await restart();
    const afterOne = await madeAt();
    await change('twice');
    await restart();
    expect([afterOne, await madeAt()]).not.toEqual([first, first]);
    expect((await manager.streams.info(name)).config.description).toBe('twice');
  });
});
