/** When what waits is committed, and how much of it stands before a newcomer on the bus. */
import { expect, test } from 'vitest';
import { TurnQueue } from '../src/turn-queue.js';

interface Item {
  readonly family: string;
  readonly key: string;
  readonly isUnwanted?: boolean;
}

/** Each turn commits ten; nothing is published before the test says so. */
const queueOf = (): { queue: TurnQueue<Item>; rounds: string[][]; next: () => Promise<void> } => {
  const rounds: string[][] = [];
  let round: string[] = [];
  const queue = new TurnQueue<Item>({
    laneOf: ({ family, key }) => ({ workspace: 'one', family, key }),
    isWanted: ({ isUnwanted }) => isUnwanted !== true,
    commit: (items) => {
      const costs: number[] = [];
      for (const { key } of items) {
        round.push(key);
        costs.push(1);
        if (costs.length === 10) break;
      }
      return costs;
    },
    publish: () => {
      rounds.push(round);
      round = [];
    },
    drop: () => undefined,
    fail: (cause) => {
      throw cause;
    },
    clock: { monotonic: () => 0, worked: () => 0 },
    wait: () => ({ cancel: () => undefined }),
  });
  const next = async (): Promise<void> => {
    for (let count = 0; count < 100; count += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, rounds, next };
};

const runs = (count: number, familyOf: (index: number) => string): Item[] =>
  Array.from({ length: count }, (_, index) => ({ family: familyOf(index), key: `run-${index}` }));

test('where many runs of one family wait, one short round is under way, and a newcomer is in the next', async () => {
  const { queue, rounds, next } = queueOf();
  queue.add(runs(1_000, () => 'bomb'));
  await next();
  expect(rounds.map(({ length }) => length)).toEqual([10]);
  queue.add([{ family: 'other', key: 'other' }]);
  await next();
  // What is under way is published first, and nothing else stands before the newcomer.
  expect(rounds).toHaveLength(1);
  queue.release();
  await next();
  expect(rounds[1]).toContain('other');
  expect(rounds.flat()).toHaveLength(20);
  queue.stop();
});

test('where each run that waits is of another family, a round lasts as long as ever', async () => {
  const { queue, rounds, next } = queueOf();
  queue.add(runs(1_000, (index) => `family-${index}`));
  await next();
  expect(rounds.map(({ length }) => length)).toEqual([1_000]);
  queue.stop();
});

test('what comes in the moment after something that nobody wants any more is committed all the same', async () => {
  for (let momentCount = 0; momentCount < 10; momentCount += 1) {
    const { queue, rounds, next } = queueOf();
    queue.add([{ family: 'cancelled', key: 'timer', isUnwanted: true }]);
    for (let count = 0; count < momentCount; count += 1) await Promise.resolve();
    queue.add([{ family: 'other', key: 'after' }]);
    await next();
    expect(rounds, `${momentCount} moments after it`).toEqual([['after']]);
    queue.stop();
  }
});
