import { expect, test } from 'vitest';
import { Admission } from './admission.js';

const busyMs = 2;

/** Takes some time of the thread. */
const work = (): void => {
  const until = performance.now() + busyMs;
  while (performance.now() < until);
};

const allOf = (isDone: () => boolean): Promise<unknown> =>
  expect.poll(isDone, { timeout: 10_000 }).toBe(true);

test('a request that comes alone is answered at once', () => {
  const admission = new Admission();
  let isAnswered = false;
  admission.admit('/one', () => {
    isAnswered = true;
  });
  expect(isAnswered).toBe(true);
});

test('of many that come at once only some are answered before anything else has its turn', async () => {
  const admission = new Admission();
  let count = 0;
  for (let index = 0; index < 50; index += 1)
    admission.admit('/many', () => {
      work();
      count += 1;
    });
  expect(count).toBeLessThan(10);
  const seen = new Set<number>();
  await allOf(() => {
    seen.add(count);
    return count === 50;
  });
  expect(seen.size).toBeGreaterThan(2);
});

test('who asks for what nobody else wants does not wait for all that many want', async () => {
  const admission = new Admission();
  const order: string[] = [];
  for (let index = 0; index < 50; index += 1)
    admission.admit('/many', () => {
      work();
      order.push('/many');
    });
  admission.admit('/other', () => order.push('/other'));
  await allOf(() => order.length === 51);
  expect(order.indexOf('/other')).toBeLessThan(10);
});

test('requests for one place are answered in the order in which they came', async () => {
  const admission = new Admission();
  const order: number[] = [];
  for (let index = 0; index < 20; index += 1)
    admission.admit('/one', () => {
      work();
      order.push(index);
    });
  await allOf(() => order.length === 20);
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
});
