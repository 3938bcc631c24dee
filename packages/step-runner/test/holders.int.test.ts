/** What workers tell one another about attempts that they kept in hand while the connection was broken. */
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

const follow = async (keys: readonly string[] = []): Promise<{ holders: Holders; keys: string[] }> => {
  const inHand = [...keys];
  const holders = followHolders({
    connection: await bus.connect('worker'),
    subject: heldSubjectOf(consumers.stepWorker),
    keysInHand: () => inHand,
    heartbeatMs,
  });
  open.push(holders);
  return { holders, keys: inHand };
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
