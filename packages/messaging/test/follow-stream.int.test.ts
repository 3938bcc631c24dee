import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type FollowOptions,
  followStream,
  provision,
  type StoredMessage,
  subscribeLive,
  TipAnnouncer,
  TransientError,
} from '../src/index.js';
import { logger, range, startBus, text, topology, until } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;
let abort: AbortController;
beforeEach(async () => {
  bus = await startBus();
  abort = new AbortController();
});
afterEach(async () => {
  abort.abort();
  await bus.stop();
});

const publish = (count: number, from = 0) =>
  bus.publisher.publishAll(
    range(count).map((index) => ({
      subject: `event.${index % 2}`,
      id: `e${from + index}`,
      data: `${from + index}`,
    })),
  );

function follow(options: Partial<FollowOptions> = {}) {
  const seen: string[] = [];
  const progress: [count: number, caughtUp: boolean][] = [];
  const following = followStream(bus.connection, {
    stream: 'EVENTS',
    fromSequence: 1,
    signal: abort.signal,
    maxBatch: 100,
    logger,
    handler: (messages, { caughtUp }) => {
      seen.push(...messages.map(({ data }) => text(data)));
      progress.push([messages.length, caughtUp]);
    },
    ...options,
  });
  return { seen, progress, following };
}

test('messages come in stream order, in bounded batches, and the last one says that it is the last', async () => {
  await provision(bus.connection, topology);
  await publish(1_000);
  const { seen, progress, following } = follow();
  await until(() => expect(seen).toHaveLength(1_000));
  expect(seen).toEqual(range(1_000).map(String));
  expect(progress.every(([count]) => count <= 100)).toBe(true);
  expect(progress.map(([, caughtUp]) => caughtUp)).toEqual([...progress.slice(1).map(() => false), true]);
  await publish(1, 1_000);
  await until(() => expect(progress.at(-1)).toEqual([1, true]));
  abort.abort();
  await following;
});

test('a reader goes on at the sequence that it names, with what its filter takes', async () => {
  await provision(bus.connection, topology);
  await publish(10);
  const { seen } = follow({ fromSequence: 5, filterSubject: 'event.1' });
  await until(() => expect(seen).toEqual(['5', '7', '9']));
  await publish(2, 10);
  await until(() => expect(seen).toEqual(['5', '7', '9', '11']));
});

test('an empty stream, or one already read to its end, is caught up at once', async () => {
  await provision(bus.connection, topology);
  const { progress } = follow();
  await until(() => expect(progress).toEqual([[0, true]]));
  await publish(1);
  await until(() =>
    expect(progress).toEqual([
      [0, true],
      [1, true],
    ]),
  );
  const late = follow({ fromSequence: 2 });
  await until(() => expect(late.progress).toEqual([[0, true]]));
});

test('a reader is caught up with what there was when it began, though more comes than it reads', async () => {
  await provision(bus.connection, topology);
  await publish(100);
  let count = 100;
  const caughtUpAfter: number[] = [];
  const seen: number[] = [];
  follow({
    maxBatch: 1,
    handler: async (messages, { caughtUp }) => {
      seen.push(...messages.map(({ sequence }) => sequence));
      if (caughtUp) caughtUpAfter.push(seen.length);
      if (caughtUpAfter.length < 20) await publish(2, count);
      count += 2;
    },
  });
  await until(() => expect(seen.length).toBeGreaterThan(130));
  expect(caughtUpAfter[0]).toBe(100);
});

test('a filtered reader is caught up past the last message that its filter takes', async () => {
  await provision(bus.connection, topology);
  await publish(10);
  await bus.publisher.publish({ subject: 'event.other', id: 'other', data: 'x' });
  const matching = follow({ filterSubject: 'event.1' });
  await until(() => expect(matching.progress.at(-1)).toEqual([1, true]));
  expect(matching.seen).toEqual(['1', '3', '5', '7', '9']);
  expect(matching.progress.slice(0, -1).every(([, caughtUp]) => !caughtUp)).toBe(true);
  const nothing = follow({ filterSubject: 'event.nobody' });
  await until(() => expect(nothing.progress).toEqual([[0, true]]));
});

test('a stream that does not exist yet is waited for', async () => {
  const { seen } = follow();
  await provision(bus.connection, topology);
  await publish(3);
  await until(() => expect(seen).toEqual(['0', '1', '2']));
});

test('what the handler throws is thrown to the caller, also when it is transient', async () => {
  await provision(bus.connection, topology);
  await publish(1);
  const error = new TransientError('busy');
  await expect(follow({ handler: () => Promise.reject(error) }).following).rejects.toBe(error);
});

test('a server killed in the middle of reading and writing leaves no gap and repeats nothing', async () => {
  await provision(bus.connection, topology);
  const { seen } = follow();
  let publishedCount = 0;
  const publishing = (async () => {
    for (let from = 0; from < 10_000; from += 100) {
      await publish(100, from);
      publishedCount = from + 100;
    }
  })();
  for (const mark of [1_000, 5_000]) {
    await until(() => expect(publishedCount).toBeGreaterThan(mark));
    await bus.kill();
    await bus.restart();
  }
  await publishing;
  await until(() => expect(seen).toHaveLength(10_000));
  expect(seen.map(Number).sort((a, b) => a - b)).toEqual(range(10_000));
});

describe('a reader that listens', () => {
  const listening = { filterSubject: 'event.>', liveSubject: 'event.>' };
  /** Publishes in portions, and says each time what is stored where. */
  const publishAndSay = async (portions: number, from = 0) => {
    const tips = new TipAnnouncer(bus.connection);
    for (const portion of range(portions)) {
      const messages = range(50).map((index) => ({
        subject: `event.${index % 2}`,
        id: `e${from + 50 * portion + index}`,
        data: `${from + 50 * portion + index}`,
      }));
      const outcomes = await bus.publisher.publishAll(messages);
      for (const [index, { id, subject }] of messages.entries())
        tips.note({ id, subject, sequence: outcomes[index]?.sequence ?? 0 });
      tips.tell();
    }
  };

  test('handles everything in order, and reads few of the messages', async () => {
    await provision(bus.connection, topology);
    const { seen, progress } = follow(listening);
    await until(() => expect(progress).toHaveLength(1));
    let readCount = 0;
    await subscribeLive(bus.connection, '$JS.API.DIRECT.GET.EVENTS', () => {
      readCount += 1;
    }).ready;
    await publishAndSay(20);
    await until(() => expect(seen).toHaveLength(1_000));
    expect(seen).toEqual(range(1_000).map(String));
    expect(readCount).toBeLessThan(500);
  });

  test('says of no message that it read when it was stored, where it has only heard it', async () => {
    await provision(bus.connection, topology);
    const stored = new Map<number, number>();
    const told: StoredMessage[] = [];
    let caughtUpCount = 0;
    follow({
      ...listening,
      handler: (messages, { caughtUp }) => {
        told.push(...messages);
        if (caughtUp && messages.length === 0) caughtUpCount += 1;
      },
    });
    follow({
      handler: (messages) => {
        for (const { sequence, storedAt } of messages) stored.set(sequence, storedAt);
      },
    });
    await until(() => expect(caughtUpCount).toBe(1));
    await publishAndSay(20);
    await until(() => expect([told.length, stored.size]).toEqual([1_000, 1_000]));
    const read = told.filter(({ isHeard }) => isHeard === undefined);
    expect(read.length).toBeLessThan(500);
    expect(read.filter(({ sequence, storedAt }) => stored.get(sequence) !== storedAt)).toEqual([]);
  });

  test('believes nothing that is not stored as it was said', async () => {
    await provision(bus.connection, topology);
    const { seen } = follow(listening);
    await publish(10);
    await until(() => expect(seen).toHaveLength(10));
    await publish(5, 10);
    const liar = new TipAnnouncer(bus.connection);
    for (const index of range(5))
      liar.note({ id: `e${14 - index}`, subject: 'event.1', sequence: 11 + index });
    liar.tell();
    await until(() => expect(seen).toHaveLength(15));
    expect(seen).toEqual(range(15).map(String));
  });

  test('misses nothing when the server is killed', async () => {
    await provision(bus.connection, topology);
    const { seen } = follow(listening);
    await publishAndSay(2);
    await until(() => expect(seen).toHaveLength(100));
    await bus.kill();
    await bus.restart();
    await publishAndSay(2, 100);
    await until(() => expect(seen).toHaveLength(200));
    expect(seen).toEqual(range(200).map(String));
  });
});
