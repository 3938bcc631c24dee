import type { StreamFacts } from '@signalbox/messaging';
import { runKeyOf } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually } from '@signalbox/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isTimeToTell, Retelling, type Telling } from '../src/log/retelling.js';
import { createOpenStore } from '../src/store/open-store.js';
import { MemoryBus } from './support/memory-bus.js';
import { step, TestWorld, workflow } from './support/test-world.js';

/** A log that holds the last thousand of two thousand messages, a kilobyte each, and is full. */
const full: StreamFacts = {
  id: 'stream-1',
  firstAt: 1,
  firstSequence: 1_001,
  lastSequence: 2_000,
  description: undefined,
  bytes: 1_000_000,
  maxBytes: 1_000_000,
  maxAgeMs: Number.POSITIVE_INFINITY,
};

describe('what is open is told again', () => {
  const told: Telling = { streamId: 'stream-1', from: 1_700, to: 1_800, bytes: 100_000, at: 5_000 };
  const endless = Number.POSITIVE_INFINITY;
  test.each<[string, Partial<StreamFacts>, Partial<Telling>, number, boolean]>([
    ['not while the last telling is fresh', {}, {}, 5_001, false],
    [
      'when it lies in the older half of the log',
      { lastSequence: 2_201, firstSequence: 1_202 },
      {},
      5_001,
      true,
    ],
    [
      'not of a log that drops nothing',
      { maxBytes: endless, firstSequence: 1, lastSequence: 9_000 },
      {},
      5_001,
      false,
    ],
    ['when a part of the last telling is dropped', { firstSequence: 1_702 }, { to: 2_000 }, 5_001, true],
    ['not when it has become the first in the log', { firstSequence: 1_701 }, { to: 2_000 }, 5_001, false],
    ['when the log ends before it', {}, { to: 2_001 }, 5_001, true],
    ['when half of the age has passed', { maxBytes: endless, maxAgeMs: 1_000 }, { to: 2_000 }, 5_501, true],
    ['not before', { maxBytes: endless, maxAgeMs: 1_000 }, { to: 2_000 }, 5_500, false],
    [
      'not in an empty log',
      { firstSequence: 0, lastSequence: 0, bytes: 0 },
      { from: 0, to: 0 },
      5_001,
      false,
    ],
    ['once, when all has gone', { firstSequence: 2_001, bytes: 0 }, { to: 1_900 }, 5_001, true],
  ])('%s', (_, facts, last, now, isTime) => {
    expect(isTimeToTell({ ...full, ...facts }, { ...told, ...last }, now)).toBe(isTime);
  });
});

describe('a telling', () => {
  let world: TestWorld;
  let log: MemoryBus;
  let facts: StreamFacts;
  let lines: string[];
  let retelling: Retelling;
  const open = (): Retelling =>
    new Retelling({
      sql: world.sql,
      publisher: log,
      maxPayloadBytes: () => 1_048_576,
      readFacts: async () => facts,
      now: () => world.clock.now(),
      logger: createLogger({ service: 'test', level: 'info', write: (line) => lines.push(line) }),
      signal: new AbortController().signal,
      fail: (cause) => world.failures.push(cause),
    });
  beforeEach(async () => {
    world = new TestWorld();
    log = new MemoryBus();
    facts = full;
    lines = [];
    await world.open();
    await world.putAgent('worker');
    await world.putWorkflow(workflow('one', [step('only')]));
    await world.deliver(world.start('ended', 'one'));
    await world.workAll();
    await world.deliver(world.start('open-1', 'one'), world.start('open-2', 'one'));
    // What is published is marked a little later.
    world.clock.advance(100);
    retelling = open();
  });
  afterEach(async () => {
    expect(world.failures).toEqual([]);
    await world.close();
  });
  const ends = (count: number) =>
    eventually(() => lines.filter((line) => line.includes('was told to the log again')).length === count, {
      describe: () => `told ${count} times: ${lines.join()}`,
    });
  const isRun = (runId: string | null) => runId !== null;
  const eventsOf = (bus: MemoryBus, of: (runId: string | null) => boolean) =>
    bus.events.filter(({ runId, sequence }) => sequence > 0 && of(runId));

  test('says of runs that have not ended, and of the catalog, all that was said before, and nothing of others', async () => {
    retelling.look(facts);
    await ends(1);
    for (const of of ['open-1', 'open-2', null])
      expect(eventsOf(log, (runId) => runId === of)).toEqual(eventsOf(world.bus, (runId) => runId === of));
    expect(eventsOf(log, (runId) => runId === 'ended')).toEqual([]);
    expect(eventsOf(log, (runId) => runId === null).length).toBeGreaterThan(1);
  });

  test('is taken for no other by the server, and is known to have been told after a restart', async () => {
    retelling.look(facts);
    await ends(1);
    const { length } = log.events;
    retelling = open();
    retelling.look(facts);
    facts = { ...full, firstSequence: 2_002, lastSequence: 3_001 };
    retelling.look(facts);
    await ends(2);
    expect([log.events.length, log.duplicateCount]).toEqual([2 * length, 0]);
  });

  test('does not count where the log has lost something meanwhile', async () => {
    const letOut = log.hold();
    retelling.look(facts);
    retelling.forget();
    letOut();
    world.clock.advance(1);
    await eventually(() => log.events.length > 0);
    const { length } = log.events;
    await eventually(() => {
      retelling.look(facts);
      return log.events.length > length;
    });
    await ends(1);
  });

  test('is due at once where the log has lost something, however young it is', async () => {
    const young = { ...full, firstSequence: 1, lastSequence: 10, bytes: 1_000 };
    retelling.look(young);
    await retelling.told();
    expect(log.events).toEqual([]);
    retelling.forget();
    retelling.look(young);
    await retelling.told();
    expect(log.events.length).toBeGreaterThan(0);
    const { length } = log.events;
    retelling.look(young);
    await retelling.told();
    expect(log.events).toHaveLength(length);
  });

  test('waits for a run of which something is not published yet: whoever asks for the last fact of a step gets the newest', async () => {
    world.sql.exec('UPDATE relay SET events_position = events_position - 1');
    retelling.look(facts);
    await eventually(() => eventsOf(log, (runId) => runId === 'open-1').length > 0);
    expect(eventsOf(log, (runId) => runId === 'open-2')).toEqual([]);
    world.sql.exec('UPDATE relay SET events_position = events_position + 1');
    await ends(1);
    expect(eventsOf(log, (runId) => runId === 'open-2')).not.toEqual([]);
  });

  test('that would push itself out says so once, and is of the catalog and the oldest runs, until there is room', async () => {
    const store = createOpenStore(world.sql);
    const { problem } = retelling;
    const runsTold = () => new Set(eventsOf(log, isRun).map(({ runId }) => runId));
    const said = () => lines.filter((line) => line.includes('more than a third of what the log may hold'));
    facts = { ...full, maxBytes: 3 * store.catalogBytes() - 3 };
    retelling.look(facts);
    await eventually(() => retelling.problem !== problem);
    expect(retelling.problem).toContain('Give the log more room');
    expect(log.events).toEqual([]);

    world.clock.advance(60_000);
    facts = {
      ...full,
      maxBytes:
        3 * (store.catalogBytes() + store.bytesOf(runKeyOf({ workspace: 'default', runId: 'open-1' }))),
    };
    retelling.look(facts);
    await ends(1);
    expect(eventsOf(log, (runId) => runId === null).length).toBeGreaterThan(1);
    expect(runsTold()).toEqual(new Set(['open-1']));
    expect([said().length, retelling.problem === undefined]).toEqual([1, false]);

    facts = { ...full, firstSequence: 2_002, lastSequence: 3_001, maxBytes: 20 * facts.maxBytes };
    retelling.look(facts);
    await ends(2);
    expect([said().length, retelling.problem === undefined]).toEqual([1, true]);
    expect(runsTold()).toEqual(new Set(['open-1', 'open-2']));
  });
});
