/** Who is next where many wait: whoever has had the least lately. */
import { beforeEach, expect, test } from 'vitest';
import { FairQueue, type Taken } from '../src/fair-queue.js';

interface Item {
  readonly workspace: string;
  readonly lane: string;
  /** Of the lane; its own where there is none. */
  readonly family?: string;
  readonly costMs: number;
}

let nowMs: number;
let queue: FairQueue<Item>;

beforeEach(() => {
  nowMs = 0;
  queue = new FairQueue(
    ({ workspace, lane, family = lane }) => ({ workspace, family, key: lane }),
    () => nowMs,
  );
});

const items = (count: number, lane: string, costMs: number, workspace = 'one'): Item[] =>
  Array.from({ length: count }, () => ({ workspace, lane, costMs }));

/** As a turn does it: it takes until its time is up, and says at its end what each has cost. */
const turn = (budgetMs = 8): Item[] => {
  const taken: Taken<Item>[] = [];
  let until = nowMs + budgetMs;
  while (nowMs < until) {
    const one = queue.take();
    if (one === undefined && taken.length === 0 && queue.goesOnAt !== undefined) {
      nowMs = queue.goesOnAt;
      until = nowMs + budgetMs;
      queue.goOn();
      continue;
    }
    if (one === undefined) break;
    taken.push(one);
    nowMs += one.item.costMs;
  }
  for (const one of taken) queue.settle(one, one.item.costMs);
  return taken.map(({ item }) => item);
};

/** How long whoever waits for this one item has to wait. */
const waited = (lane: string, each = (): void => undefined): number => {
  const from = nowMs;
  for (let turns = 0; turns < 10_000; turns += 1) {
    if (turn().some((item) => item.lane === lane)) return nowMs - from;
    each();
  }
  throw new Error(`${lane} waits for ever`);
};

test('a flood of one lane makes a newcomer wait for no more than a turn', () => {
  queue.add(items(20_000, 'flood', 0.5));
  turn();
  turn();
  queue.add(items(1, 'victim', 0.5));
  expect(waited('victim')).toBeLessThan(20);
});

test('a newcomer stands before what is left of a flood of dear items', () => {
  queue.add(items(50, 'flood', 4));
  turn();
  queue.add(items(1, 'victim', 4));
  expect(waited('victim')).toBeLessThan(20);
});

test('who comes back again and again with something dear stands behind a newcomer', () => {
  const loops = Array.from({ length: 100 }, (_, index) => items(1, `loop-${index}`, 8)).flat();
  queue.add(loops);
  // Each has had its turn, and waits for the next one.
  for (let round = 0; round < 150; round += 1) queue.add(turn());
  queue.add(items(1, 'victim', 0.5));
  expect(waited('victim')).toBeLessThan(20);
});

test('two lanes that both have much to do get the same time, whatever one item of them costs', () => {
  queue.add([...items(4_000, 'many', 0.1), ...items(400, 'dear', 2)]);
  const spent = { many: 0, dear: 0 };
  while (nowMs < 300) for (const { lane, costMs } of turn()) spent[lane as keyof typeof spent] += costMs;
  expect(spent.many / spent.dear).toBeGreaterThan(0.9);
  expect(spent.many / spent.dear).toBeLessThan(1.1);
});

test('a workspace with ten thousand lanes makes another one wait for no more than a turn', () => {
  for (let index = 0; index < 10_000; index += 1) queue.add(items(1, `lane-${index}`, 0.5, 'flood'));
  turn();
  queue.add([...items(1, 'first', 0.5, 'victim'), ...items(1, 'second', 0.5, 'victim')]);
  expect(waited('first')).toBeLessThan(20);
  queue.add(items(1, 'third', 0.5, 'victim'));
  expect(waited('third')).toBeLessThan(20);
});

const child = (family: string, index: number, costMs: number): Item => ({
  workspace: 'one',
  lane: `${family}-${index}`,
  family,
  costMs,
});

test('ten thousand runs of one family make another run wait for no more than a turn', () => {
  queue.add(Array.from({ length: 10_000 }, (_, index) => child('bomb', index, 0.5)));
  turn();
  for (let count = 0; count < 20; count += 1) {
    queue.add(items(1, `victim-${count}`, 0.5));
    expect(waited(`victim-${count}`)).toBeLessThan(20);
    // Others of its family keep coming.
    queue.add(Array.from({ length: 20 }, (_, index) => child('bomb', 10_000 + 20 * count + index, 0.5)));
  }
});

test('a family of many runs gets the time of one run beside another that has much to do', () => {
  queue.add(items(1_000, 'alone', 0.5));
  queue.add(Array.from({ length: 1_000 }, (_, index) => child('many', index, 0.5)));
  const spent = { alone: 0, many: 0 };
  while (nowMs < 300)
    for (const { lane, family, costMs } of turn()) spent[(family ?? lane) as keyof typeof spent] += costMs;
  expect(spent.alone / spent.many).toBeGreaterThan(0.9);
  expect(spent.alone / spent.many).toBeLessThan(1.1);
});

test('what is asked of a run whose start still waits stands behind it, though its family is not known yet', () => {
  queue.add(items(10, 'other', 1));
  queue.add([child('bomb', 1, 0.5)]);
  const { family: _, ...later } = child('bomb', 1, 0.25);
  queue.add([later]);
  const seen: number[] = [];
  while (queue.count > 0) for (const { lane, costMs } of turn()) if (lane === 'bomb-1') seen.push(costMs);
  expect(seen).toEqual([0.5, 0.25]);
});

test('who has had much waits no more than for a while behind newcomers without end', () => {
  queue.add(items(1, 'large', 2));
  turn();
  queue.add(items(1, 'large', 2));
  let count = 0;
  const newcomers = (): void => {
    const end = count + 18;
    for (; count < end; count += 1) queue.add(items(1, `new-${count}`, 0.5));
  };
  newcomers();
  expect(waited('large', newcomers)).toBeLessThan(6_000);
});

test('what a lane holds keeps its order', () => {
  const numbered = Array.from({ length: 50 }, (_, index) => ({ workspace: 'one', lane: 'a', costMs: index }));
  queue.add(numbered.slice(0, 25));
  queue.add(items(25, 'b', 1));
  const seen: number[] = [];
  for (const { lane, costMs } of turn()) if (lane === 'a') seen.push(costMs);
  queue.add(numbered.slice(25));
  while (queue.count > 0) for (const { lane, costMs } of turn()) if (lane === 'a') seen.push(costMs);
  expect(seen).toEqual(numbered.map(({ costMs }) => costMs));
});

test('who waits for all that is there does not wait for what comes later', async () => {
  queue.add(items(10, 'early', 1));
  let isPassed = false;
  void queue.passed().then(() => {
    isPassed = true;
  });
  queue.add(items(1_000, 'late', 0.1));
  while (queue.count > 0 && !isPassed) {
    turn();
    await Promise.resolve();
  }
  expect(isPassed).toBe(true);
  expect(queue.count).toBeGreaterThan(500);
});

test('an idle while is forgotten, and nobody saves up what was not used', () => {
  queue.add(items(10, 'old', 8));
  while (queue.count > 0) turn();
  nowMs += 10_000;
  queue.add([...items(50, 'new', 1), ...items(50, 'old', 1)]);
  const first: string[] = [];
  while (first.length < 50) first.push(...turn().map(({ lane }) => lane));
  expect(first.filter((lane) => lane === 'old').length).toBeGreaterThan(10);
  expect(first.filter((lane) => lane === 'new').length).toBeGreaterThan(10);
});

test('a family that pauses keeps its places, and nothing of it is taken before it may go on', () => {
  queue.add(items(100, 'greedy', 4));
  turn(60);
  queue.add(items(3, 'small', 0.5));
  expect(waited('small')).toBeLessThan(20);
  turn();
  const left = queue.count;
  expect(queue.take()).toBeUndefined();
  expect(queue.readyCount).toBe(0);
  expect(queue.count).toBe(left);
  queue.add(items(1, 'greedy', 4));
  queue.add(items(1, 'newcomer', 0.5));
  expect(queue.readyCount).toBe(1);
  expect(waited('newcomer')).toBe(0.5);
  expect(queue.goesOnAt).toBeGreaterThan(nowMs);
  while (queue.count > 0) turn();
  expect(queue.goesOnAt).toBeUndefined();
});

test('what pauses is among what is taken out at the end', () => {
  queue.add(items(100, 'greedy', 4));
  turn(60);
  queue.add(items(3, 'small', 0.5));
  expect(waited('small')).toBeLessThan(20);
  turn();
  expect(queue.take()).toBeUndefined();
  const left = queue.count;
  expect(queue.takeAll()).toHaveLength(left);
  expect(queue.count).toBe(0);
});
