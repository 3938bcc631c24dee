import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Promises } from './promises.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const open = () => {
  const promises = new Promises();
  const seen: [string, boolean][] = [];
  const read = (name: string): void => void promises.areKept().then((isKept) => seen.push([name, isKept]));
  return { promises, seen, read };
};

test('a reader waits for what was promised before it asked, and for nothing later', async () => {
  const { promises, seen, read } = open();
  read('before');
  promises.keep(3);
  promises.promise(5);
  read('first');
  promises.promise(8);
  read('second');
  promises.keep(4);
  await vi.advanceTimersByTimeAsync(0);
  expect(seen).toEqual([['before', true]]);
  promises.keep(6);
  await vi.advanceTimersByTimeAsync(0);
  expect(seen.slice(1)).toEqual([['first', true]]);
  promises.keep(8);
  await vi.advanceTimersByTimeAsync(0);
  read('third');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen.slice(2)).toEqual([
    ['second', true],
    ['third', true],
  ]);
});

test('what does not come is said to who has waited for it, and nobody waits for it again', async () => {
  const { promises, seen, read } = open();
  promises.keep(1);
  promises.promise(9);
  read('first');
  await vi.advanceTimersByTimeAsync(60_000);
  read('second');
  await vi.advanceTimersByTimeAsync(0);
  expect(seen).toEqual([
    ['first', false],
    ['second', true],
  ]);
});

test('with another stream nothing of the one before is waited for', async () => {
  const { promises, seen, read } = open();
  promises.promise(9);
  read('first');
  promises.forget();
  read('second');
  await vi.advanceTimersByTimeAsync(0);
  expect(new Map(seen)).toEqual(
    new Map([
      ['first', false],
      ['second', true],
    ]),
  );
});

test('nothing is promised while what was promised a second ago is not there', () => {
  const promises = new Promises();
  promises.keep(1);
  expect(promises.promise(5)).toBe(true);
  vi.advanceTimersByTime(900);
  expect(promises.promise(7)).toBe(true);
  vi.advanceTimersByTime(200);
  expect(promises.promise(9)).toBe(false);
  promises.keep(5);
  expect(promises.promise(9)).toBe(true);
  vi.advanceTimersByTime(900);
  expect(promises.promise(11)).toBe(false);
  promises.keep(9);
  expect(promises.promise(11)).toBe(true);
});

test('what does not come does not keep others from being promised theirs', async () => {
  const { promises, seen, read } = open();
  promises.promise(9);
  read('first');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen).toEqual([['first', false]]);
  expect(promises.promise(10)).toBe(true);
});
