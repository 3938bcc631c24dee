/** Up to when everything that came in time has been seen. */
import { expect, test } from 'vitest';
import { Horizon } from '../src/horizon.js';
import { TestDelivery } from './support/test-delivery.js';

const consumer = 'orchestrator-run';
const delivery = (sequence: number, storedAt: number): TestDelivery =>
  new TestDelivery('wf.task.run.default.r1', new Uint8Array(), sequence, storedAt);

test('what came on the connection before does not count for a server that has lost its end and numbers anew', async () => {
  // Of the store that is there now, five messages wait.
  const horizon = new Horizon([consumer], async () => 5);
  horizon.note(delivery(900, 9_000), 9_000);
  horizon.forget(consumer);
  // It had come before the break, and is handled after the consumer was made anew.
  const late = delivery(1_000, 9_500);
  late.isCurrent = false;
  horizon.note(late, 10_000);
  await horizon.ask(10_000);
  expect(horizon.at).toBe(Number.NEGATIVE_INFINITY);
  expect(horizon.deliveredUpTo).toBe(0);
  horizon.note(delivery(5, 9_900), 10_001);
  expect(horizon.at).toBe(10_000);
  expect(horizon.deliveredUpTo).toBe(Number.POSITIVE_INFINITY);
});

test('a consumer has arrived where the stream ended when it was asked first, however much comes behind that', async () => {
  let last = 5;
  const horizon = new Horizon([consumer], async () => last);
  await horizon.ask(1_000);
  last = 900;
  await horizon.ask(2_000);
  horizon.note(delivery(4, 500), 2_000);
  expect(horizon.hasArrived).toBe(false);
  horizon.note(delivery(6, 600), 2_000);
  expect(horizon.hasArrived).toBe(true);
  // The end of the stream is somewhere else by now.
  expect(horizon.at).toBe(600);
});

test('a consumer has arrived where nothing waits for it any more', async () => {
  let last = 5;
  const horizon = new Horizon([consumer], async () => last);
  await horizon.ask(1_000);
  horizon.note(delivery(4, 500), 1_000);
  last = 0;
  await horizon.ask(2_000);
  expect(horizon.hasArrived).toBe(true);
  expect(horizon.at).toBe(2_000);
});
