import { createLogger } from '@signalbox/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linkOf } from '../src/connection.js';
import {
  type Consumption,
  consumeBatches,
  consumeEach,
  type Delivery,
  InvariantViolation,
  provision,
  readMessages,
  subscribeLive,
} from '../src/index.js';
import { gate, logger, range, startBus, text, topology, until, worker } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;
let consumptions: Consumption[] = [];
beforeEach(async () => {
  bus = await startBus();
});
afterEach(async () => {
  for (const consumption of consumptions) await consumption.stop({ graceMs: 0 });
  consumptions = [];
  await bus.stop();
});

const source = (maxInFlight: number) => ({ stream: 'TASKS', durable: 'worker', maxInFlight });
const publish = (count: number, from = 0) =>
  bus.publisher.publishAll(
    range(count).map((index) => ({
      subject: 'task.step.a',
      id: `t${from + index}`,
      data: `${from + index}`,
    })),
  );

function each(
  maxInFlight: number,
  handler: (delivery: Delivery) => Promise<void>,
  more: { heartbeatMs?: number } = {},
) {
  const consumption = consumeEach(bus.connection, { ...source(maxInFlight), logger, handler, ...more });
  consumptions.push(consumption);
  return consumption;
}

const serverState = async () => {
  const info = await linkOf(bus.connection).manager.consumers.info('TASKS', 'worker');
  return { claimedCount: info.num_ack_pending, leftCount: info.num_pending };
};

test('each message is handled once and gone when acknowledged', async () => {
  await provision(bus.connection, topology);
  const seen: string[] = [];
  each(64, async (delivery) => {
    seen.push(text(delivery.data));
    delivery.ack();
  });
  await publish(1_000);
  await until(() => expect(seen).toHaveLength(1_000));
  expect(new Set(seen).size).toBe(1_000);
  await until(async () => expect(await serverState()).toEqual({ claimedCount: 0, leftCount: 0 }));
});

test('claimed and requested together never exceed the window, so an idle process gets what a busy one cannot do', async () => {
  await provision(bus.connection, topology);
  const { opened, open } = gate();
  const busy: string[] = [];
  const first = each(4, async (delivery) => {
    busy.push(text(delivery.data));
    await opened;
    delivery.ack();
  });
  await publish(10);
  await until(() => expect(busy).toHaveLength(4));
  expect(first.inFlightCount + first.requestedCount).toBe(4);
  expect(await serverState()).toEqual({ claimedCount: 4, leftCount: 6 });
  const idle: string[] = [];
  each(4, async (delivery) => {
    idle.push(text(delivery.data));
    delivery.ack();
  });
  await until(() => expect(idle).toHaveLength(6));
  open();
  await until(async () => expect(await serverState()).toEqual({ claimedCount: 0, leftCount: 0 }));
});

test.each([1, 5, 16, 40])('a window of %i is kept and used while work goes on', async (maxInFlight) => {
  await provision(bus.connection, topology);
  let runningCount = 0;
  let maxRunningCount = 0;
  let doneCount = 0;
  let maxOccupied = 0;
  const consumption = each(maxInFlight, async (delivery) => {
    runningCount += 1;
    maxRunningCount = Math.max(maxRunningCount, runningCount);
    maxOccupied = Math.max(maxOccupied, consumption.inFlightCount + consumption.requestedCount);
    await bus.connection.flush();
    delivery.ack();
    runningCount -= 1;
    doneCount += 1;
  });
  await publish(500);
  await until(() => expect(doneCount).toBe(500));
  expect(maxOccupied).toBeLessThanOrEqual(maxInFlight);
  expect(maxRunningCount).toBe(maxInFlight);
});

test('a delivery at work is not given to anybody else, however long it takes', async () => {
  await provision(bus.connection, {
    ...topology,
    consumers: [{ ...worker, ackWaitMs: 300, backoffMs: [300, 300] }],
  });
  const { opened, open } = gate();
  let heartbeatCount = 0;
  const tap = subscribeLive(bus.connection, '$JS.ACK.>', ({ data }) => {
    if (text(data) === '+WPI') heartbeatCount += 1;
  });
  await tap.ready;
  const counts: number[] = [];
  const handler = async (delivery: Delivery) => {
    counts.push(delivery.deliveryCount);
    await opened;
    delivery.ack();
  };
  each(2, handler, { heartbeatMs: 50 });
  each(2, handler, { heartbeatMs: 50 });
  await publish(1);
  // Twenty heartbeats are more than three times the ack wait.
  await until(() => expect(heartbeatCount).toBeGreaterThan(20));
  open();
  await until(async () => expect(await serverState()).toEqual({ claimedCount: 0, leftCount: 0 }));
  expect(counts).toEqual([1]);
  tap.close();
});

test('a delivery whose holder dies comes back to another', async () => {
  await provision(bus.connection, { ...topology, consumers: [{ ...worker, ackWaitMs: 300 }] });
  const other = await bus.connect();
  const claimed = gate();
  consumeEach(other, {
    ...source(1),
    logger,
    handler: async () => {
      claimed.open();
      await gate().opened;
    },
  });
  await publish(1);
  await claimed.opened;
  await linkOf(other).nats.close();
  const counts: number[] = [];
  each(1, async (delivery) => {
    counts.push(delivery.deliveryCount);
    delivery.ack();
  });
  await until(() => expect(counts).toEqual([2]));
});

test('a batch holds what arrived while the one before was handled, over all sources', async () => {
  const control = { ...worker, durable: 'control', filterSubject: 'task.control.>' };
  await provision(bus.connection, { ...topology, consumers: [worker, control] });
  const { opened, open } = gate();
  const batches: string[][] = [];
  let runningCount = 0;
  const consumption = consumeBatches(bus.connection, {
    sources: [source(100), { ...source(100), durable: 'control' }],
    maxBatch: 15,
    logger,
    handler: async (deliveries) => {
      expect(++runningCount).toBe(1);
      batches.push(deliveries.map(({ subject }) => subject));
      await opened;
      for (const delivery of deliveries) delivery.ack();
      runningCount -= 1;
    },
  });
  consumptions.push(consumption);
  await publish(1);
  await until(() => expect(batches).toHaveLength(1));
  await publish(10, 1);
  await bus.publisher.publishAll(range(10).map((index) => ({ subject: 'task.control.a', data: `${index}` })));
  await until(() => expect(consumption.inFlightCount).toBe(21));
  open();
  await until(() => expect(batches.flat()).toHaveLength(21));
  expect(batches.map((batch) => batch.length)).toEqual([1, 15, 5]);
  expect(new Set(batches[1])).toEqual(new Set(['task.step.a', 'task.control.a']));
});

test('stop gives unstarted deliveries back at once and waits for what is at work', async () => {
  await provision(bus.connection, { ...topology, consumers: [{ ...worker, ackWaitMs: 60_000 }] });
  const { opened, open } = gate();
  const handled: string[] = [];
  const consumption = consumeBatches(bus.connection, {
    sources: [source(10)],
    maxBatch: 3,
    logger,
    handler: async (deliveries) => {
      handled.push(...deliveries.map(({ data }) => text(data)));
      await opened;
      for (const delivery of deliveries) delivery.ack();
    },
  });
  await publish(10);
  await until(() => expect(consumption.inFlightCount).toBe(10));
  const stopped = consumption.stop();
  const taken: string[] = [];
  each(10, async (delivery) => {
    taken.push(text(delivery.data));
    delivery.ack();
  });
  await until(() => expect([...taken, ...handled].sort()).toEqual(range(10).map(String)));
  open();
  await stopped;
  await consumption.done;
  await until(async () => expect(await serverState()).toEqual({ claimedCount: 0, leftCount: 0 }));
});

test('stop does not wait for a handler longer than the grace time', async () => {
  await provision(bus.connection, topology);
  const started = gate();
  const consumption = each(1, async () => {
    started.open();
    await gate().opened;
  });
  await publish(1);
  await started.opened;
  await consumption.stop({ graceMs: 20 });
  await consumption.done;
  expect(consumption.inFlightCount).toBe(1);
});

test('consuming waits for a stream and a consumer that nobody has made yet, and again when they were deleted', async () => {
  const seen: string[] = [];
  each(4, async (delivery) => {
    seen.push(text(delivery.data));
    delivery.ack();
  });
  await provision(bus.connection, topology);
  await publish(5);
  await until(() => expect(seen).toHaveLength(5));
  await linkOf(bus.connection).manager.consumers.delete('TASKS', 'worker');
  await provision(bus.connection, topology);
  await publish(5, 5);
  await until(() => expect(seen).toHaveLength(10));
});

test('what a handler throws ends the consumption with that error', async () => {
  await provision(bus.connection, topology);
  const error = new Error('unknown');
  const consumption = each(1, () => Promise.reject(error));
  await publish(2);
  await expect(consumption.done).rejects.toBe(error);
});

test('a handler that gives no answer is an invariant violation', async () => {
  await provision(bus.connection, topology);
  const consumption = each(1, async () => undefined);
  await publish(1);
  await expect(consumption.done).rejects.toThrow(InvariantViolation);
});

test('a server killed in the middle of consuming loses nothing, and work goes on as before', async () => {
  await provision(bus.connection, topology);
  const total = 6_000;
  const seen = new Set<string>();
  const handler = async (delivery: Delivery) => {
    await bus.connection.flush().catch(() => undefined);
    seen.add(text(delivery.data));
    delivery.ack();
  };
  const [first, second] = [each(50, handler), each(7, handler)];
  await publish(total);
  for (const mark of [500, 3_000]) {
    await until(() => expect(seen.size).toBeGreaterThan(mark));
    await bus.kill();
    await bus.restart();
  }
  await until(() => expect(seen.size).toBe(total));
  await publish(500, total);
  await until(() => expect(seen.size).toBe(total + 500));
  await until(() => expect([first.inFlightCount, second.inFlightCount]).toEqual([0, 0]));
  await until(() => expect([first.requestedCount, second.requestedCount]).not.toContain(0));
  expect(first.requestedCount).toBeLessThanOrEqual(50);
  expect(second.requestedCount).toBeLessThanOrEqual(7);
});

test('a server that stands still is asked anew, and that is said with what was asked of it', async () => {
  await provision(bus.connection, topology);
  const lines: string[] = [];
  const seen: string[] = [];
  const consumption = consumeEach(bus.connection, {
    ...source(16),
    logger: createLogger({ service: 'test', level: 'warn', write: (line) => lines.push(line) }),
    handler: async (delivery) => {
      seen.push(text(delivery.data));
      delivery.ack();
    },
  });
  consumptions.push(consumption);
  await publish(1);
  await until(() => expect(seen).toEqual(['0']));
  bus.freeze();
  try {
    await until(() => expect(lines.join()).toContain('the server is silent though it was asked'));
  } finally {
    bus.resume();
  }
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    consumer: 'worker',
    requested_count: 16,
    in_hand_count: 0,
  });
  await publish(1, 1);
  await until(() => expect(seen).toEqual(['0', '1']));
});

test('a delivery that the filter does not name is left alone and keeps no place: neither handled nor answered', async () => {
  await provision(bus.connection, { ...topology, consumers: [{ ...worker, ackWaitMs: 60_000 }] });
  const seen: string[] = [];
  const consumption = consumeEach(bus.connection, {
    ...source(1),
    // As a consumer in a cluster that counts numbers as its own which the stream has given to others since.
    prepare: async () => 'task.step.own.>',
    logger,
    handler: async (delivery) => {
      seen.push(delivery.subject);
      delivery.ack();
    },
  });
  consumptions.push(consumption);
  const strays = range(5).map((index) => ({ subject: `task.step.stray.${index}`, data: '' }));
  await bus.publisher.publishAll([...strays, { subject: 'task.step.own.a', data: '' }]);
  await until(() => expect(seen).toEqual(['task.step.own.a']));
  expect(consumption.inFlightCount).toBe(0);
  // Neither acknowledged nor given back: it is the consumer's, which has delivered it once.
  await until(async () => expect(await serverState()).toEqual({ claimedCount: 5, leftCount: 0 }));
  const left: number[] = [];
  for await (const { sequence } of readMessages(bus.connection, 'TASKS', 'task.step.stray.>'))
    left.push(sequence);
  expect(left).toEqual([1, 2, 3, 4, 5]);
});
