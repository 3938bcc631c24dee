import type { StreamFacts } from '@signalbox/messaging';
import { createLogger } from '@signalbox/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Missing } from '../src/log/compare.js';
import { placeToBegin, republishEvents } from '../src/log/republish.js';
import { createLogStore, startOfLog } from '../src/store/log-store.js';
import { MemoryBus } from './support/memory-bus.js';
import { step, TestWorld, workflow } from './support/test-world.js';

let world: TestWorld;

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
  await world.putWorkflow(workflow('one', [step('only')]));
  for (let count = 0; count < 20; count += 1) await world.deliver(world.start(`run-${count}`, 'one'));
  await world.workAll();
});
afterEach(() => world.close());

/** Into a log that has lost everything. */
const publishedInto = async (maxBytes: number): Promise<readonly string[]> => {
  const log = new MemoryBus();
  const missing = {
    fold: { seenEvents: { has: () => false } },
    facts: { maxBytes } as StreamFacts,
    from: startOfLog,
    to: createLogStore(world.sql).committed(),
  } as unknown as Missing;
  const parts = {
    sql: world.sql,
    publisher: log,
    maxPayloadBytes: () => 1_048_576,
    now: () => world.clock.now(),
    logger: createLogger({ service: 'test', level: 'silent' }),
    signal: new AbortController().signal,
  };
  await republishEvents(parts, missing, placeToBegin(world.sql, missing));
  return log.events.map(({ id }) => id);
};

test('a log without limits gets all that it lacks, one with limits the newest that fill a quarter of it', async () => {
  const all = await publishedInto(Number.POSITIVE_INFINITY);
  const bytes = world.bus.events
    .filter(({ runId }) => runId !== null)
    .reduce((sum, { data }) => sum + JSON.stringify(data).length + 700, 0);
  expect(all.length).toBeGreaterThan(60);
  const some = await publishedInto(bytes);
  expect(some).toEqual(all.slice(-some.length));
  expect(some.length / all.length).toBeGreaterThan(0.2);
  expect(some.length / all.length).toBeLessThan(0.3);
  expect(await publishedInto(8 * bytes)).toEqual(all);
});
