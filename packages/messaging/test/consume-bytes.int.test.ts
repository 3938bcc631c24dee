/** A server breaks the connection of a client that has more than 64 MiB outstanding, and would do so again on the next one. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linkOf } from '../src/connection.js';
import { type Consumption, consumeEach, type Delivery, provision } from '../src/index.js';
import { gate, logger, range, startBus, topology, until } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;
let consumption: Consumption | undefined;
beforeEach(async () => {
  bus = await startBus();
});
afterEach(async () => {
  await consumption?.stop({ graceMs: 0 });
  await bus.stop();
});

const each = (maxInFlight: number, handler: (delivery: Delivery) => Promise<void>): Consumption => {
  const source = { stream: 'TASKS', durable: 'worker', maxInFlight };
  consumption = consumeEach(bus.connection, { ...source, logger, handler });
  return consumption;
};

const publish = (data: readonly (string | Uint8Array)[]) =>
  bus.publisher.publishAll(data.map((each) => ({ subject: 'task.step.a', data: each })));

describe('a queue of more bytes than a server keeps for one connection', () => {
  const mebibyte = 1_024 * 1_024;
  const total = 180;
  const fill = async () => {
    await provision(bus.connection, topology);
    for (let count = 0; count < total; count += 20)
      await publish(range(20).map(() => Buffer.alloc(mebibyte / 2)));
  };

  test('is delivered on one connection, also to a process that stands still meanwhile', async () => {
    await fill();
    let seenCount = 0;
    each(2_000, async (delivery) => {
      seenCount += 1;
      // All that the server has on its way has the time to pile up.
      if (seenCount === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
      delivery.ack();
    });
    await until(() => expect(seenCount).toBe(total));
    expect(linkOf(bus.connection).breakCount).toBe(0);
  });

  test('is claimed up to 64 MiB at a time, and the rest when those are settled', async () => {
    await fill();
    const { opened, open } = gate();
    let seenCount = 0;
    const claiming = each(2_000, async (delivery) => {
      seenCount += 1;
      await opened;
      delivery.ack();
    });
    await until(() => expect(seenCount).toBeGreaterThanOrEqual(128));
    await until(() => expect(claiming.requestedCount).toBe(0));
    // What was on its way when the last place was taken.
    expect(seenCount).toBeLessThan(128 + 16);
    open();
    await until(() => expect(seenCount).toBe(total));
  });
});

test('a message that is larger than what is asked for at once is delivered all the same', async () => {
  await provision(bus.connection, topology);
  await publish(['0']);
  await bus.stopServer();
  await bus.restart(['max_payload: 16777216']);
  await until(() => expect(bus.connection.maxPayloadBytes).toBe(16_777_216));
  await publish([Buffer.alloc(10_000_000)]);
  await bus.stopServer();
  await bus.restart();
  await until(() => expect(bus.connection.maxPayloadBytes).toBe(1_048_576));
  const sizes: number[] = [];
  each(100, async (delivery) => {
    sizes.push(delivery.data.length);
    delivery.ack();
  });
  await publish(['1']);
  await until(() => expect(sizes.toSorted((a, b) => a - b)).toEqual([1, 1, 10_000_000]));
});
