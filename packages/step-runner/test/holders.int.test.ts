/** What workers tell one another about attempts that they have in hand. */
import { consumers, heldSubjectOf } from '@signalbox/protocol';
import { eventually, startTestBus, type TestBus } from '@signalbox/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { followHolders, type Holders } from '../src/holders.js';

const heartbeatMs = 100;
let bus: TestBus;
const open: Holders[] = [];

beforeEach(async () => {
  bus = await startTestBus();
});
afterEach(async () => {
  for (const holders of open.splice(0)) holders.close();
  await bus.stop();
});

const follow = async (
  keys: readonly string[] = [],
  times: { heartbeatMs: number; answerMs?: number } = { heartbeatMs },
  finished: readonly string[] = [],
): Promise<{ holders: Holders; keys: string[]; reported: string[] }> => {
  const inHand = [...keys];
  const reported: string[] = [];
  const connection = await bus.connect('worker');
  const holders = followHolders({
    connection,
    subject: heldSubjectOf(consumers.stepWorker),
    keysInHand: () => inHand,
    reportFinished: (key, claim) => {
      if (finished.includes(key)) reported.push(`${key} under ${claim}`);
      return finished.includes(key);
    },
    ...times,
  });
  open.push(holders);
  await connection.flush();
  return { holders, keys: inHand, reported };
};

const breakConnections = async (): Promise<void> => {
  await bus.kill();
  await bus.restart();
};

test('what a worker kept in hand over a break is held for the others and not for itself, until it is done', async () => {
  const one = await follow(['kept']);
  const other = await follow();
  expect(other.holders.isHeld('kept')).toBe(false);
  await breakConnections();
  await eventually(() => other.holders.isHeld('kept'), { describe: 'the other one hears of it' });
  expect(one.holders.isHeld('kept')).toBe(false);
  one.keys.length = 0;
  await eventually(() => !other.holders.isHeld('kept'), { describe: 'it is not held any more' });
});

test('what a worker takes in hand after the break is nobody else’s concern: the server knows of it', async () => {
  const one = await follow(['kept']);
  const other = await follow();
  await breakConnections();
  await eventually(() => other.holders.isHeld('kept'), { describe: 'the other one hears what was kept' });
  one.keys.splice(0, 1, 'new');
  await eventually(() => !other.holders.isHeld('kept'), { describe: 'what was kept is done' });
  expect(other.holders.isHeld('new')).toBe(false);
});

test('a worker that has died holds nothing any more', async () => {
  const one = await follow(['kept']);
  const other = await follow();
  await breakConnections();
  await eventually(() => other.holders.isHeld('kept'), { describe: 'the other one hears of it' });
  one.holders.close();
  await eventually(() => !other.holders.isHeld('kept'), { describe: 'it is not held any more' });
});

/** Long enough for an answer, whatever else the machine does. */
const patient = { heartbeatMs: 3_000, answerMs: 2_000 };

test('who asks is told what another one has in hand, and that nobody has the rest', async () => {
  const [asker] = await Promise.all([follow([], patient), follow(['a', 'b'], patient)]);
  const answers = ['a', 'b', 'c'].map((key) => asker.holders.isFree(key, 'claim'));
  expect(await Promise.all(answers)).toEqual([false, false, true]);
});

test('of several that ask for one thing at the same time, one is told that it is free', async () => {
  const askers = await Promise.all([1, 2, 3, 4].map(() => follow([], patient)));
  const freeCounts = ['a', 'b', 'c', 'd', 'e'].map(async (key) => {
    const answers = await Promise.all(askers.map(({ holders }) => holders.isFree(key, 'claim')));
    return answers.filter((isFree) => isFree).length;
  });
  expect(await Promise.all(freeCounts)).toEqual([1, 1, 1, 1, 1]);
});

test('who asks for what another one has finished is told so, and its result is reported again, under the claim of who asks', async () => {
  const [asker, other] = await Promise.all([follow([], patient), follow([], patient, ['done'])]);
  expect(await Promise.all(['done', 'open'].map((key) => asker.holders.isFree(key, 'new')))).toEqual([
    false,
    true,
  ]);
  expect(other.reported).toEqual(['done under new']);
});
