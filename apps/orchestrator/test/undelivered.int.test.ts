/** Messages for the orchestrator itself that do not reach it, on a real server. */
import {
  type Consumption,
  consumeBatches,
  type Delivery,
  readNext,
  remakeConsumer,
} from '@signalbox/messaging';
import { consumers, streamDeclarations, TASKS } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually, startTestBus, type TestBus } from '@signalbox/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../src/clock.js';
import { followUndelivered } from '../src/undelivered.js';

const own = consumers.orchestratorRun;
const everyMs = 150;

let bus: TestBus;
let consumption: Consumption;
let held: Delivery[];
let handled: number[];
let remakeCount: number;
let lookCount: number;
let following: { close(): void };

beforeEach(async () => {
  bus = await startTestBus({ topology: { streams: streamDeclarations(), consumers: [own] } });
  held = [];
  handled = [];
  remakeCount = 0;
  lookCount = 0;
  const logger = createLogger({ service: 'test', level: 'silent' });
  consumption = consumeBatches(bus.connection, {
    logger,
    maxBatch: 10,
    sources: [
      {
        stream: TASKS,
        durable: own.durable,
        maxInFlight: 2,
        prepare: async () => {
          await remakeConsumer(bus.connection, own);
          remakeCount += 1;
          return own.filterSubject;
        },
      },
    ],
    handler: async (deliveries) => {
      held.push(...deliveries);
    },
  });
  consumption.done.catch((cause) => expect(cause).toBeUndefined());
  following = followUndelivered({
    consumers: [own],
    sources: consumption.sources,
    next: (subject, from) => {
      lookCount += 1;
      return readNext(bus.connection, TASKS, subject, from);
    },
    clock: systemClock,
    logger,
    fail: (cause) => expect(cause).toBeUndefined(),
    everyMs,
  });
  await eventually(() => consumption.requestedCount > 0, { describe: 'the first request' });
});

afterEach(async () => {
  following.close();
  await consumption.stop({ graceMs: 0 });
  await bus.stop();
});

const send = async (run: string): Promise<number> =>
  (await bus.publisher.publish({ subject: `wf.task.run.default.${run}`, data: '{}' })).sequence ?? 0;

const settleAll = (): void => {
  for (const delivery of held.splice(0)) {
    handled.push(delivery.streamSequence);
    delivery.ack();
  }
};

test('what is in the hands of somebody who does nothing with it is delivered all the same', async () => {
  const first = [await send('a'), await send('b')];
  await eventually(() => held.length === 2, { describe: 'both places are taken' });
  let takenCount = 0;
  const other = consumeBatches(bus.connection, {
    logger: createLogger({ service: 'test', level: 'silent' }),
    maxBatch: 10,
    sources: [{ stream: TASKS, durable: own.durable, maxInFlight: 2 }],
    handler: async (deliveries) => {
      takenCount += deliveries.length;
    },
  });
  const taken = [await send('c'), await send('d')];
  await eventually(() => takenCount === 2, { describe: 'somebody else has them' });
  await eventually(
    () => {
      settleAll();
      return [...first, ...taken].every((sequence) => handled.includes(sequence));
    },
    { describe: 'all four are delivered' },
  );
  expect(remakeCount).toBe(2);
  await other.stop({ graceMs: 0 });
});

test('what is in hand here is left alone, for however long', async () => {
  await send('a');
  await eventually(() => held.length === 1, { describe: 'it is delivered' });
  const looksBefore = lookCount;
  await eventually(() => lookCount > looksBefore + 16, { describe: 'eight looks' });
  expect(remakeCount).toBe(1);
  expect(held).toHaveLength(1);
});
