import { expect, test } from 'vitest';
import { ProgramCache } from './program-cache.js';

test('programs are kept up to a number of bytes, and what was used longest ago gives way', () => {
  const cache = new ProgramCache<string>(10_000);
  cache.set('first', '1');
  cache.set('second', '2');
  expect(cache.get('first')).toBe('1');
  const dropped = cache.set('x'.repeat(4_300), 'large');
  expect(dropped).toEqual(['2']);
  expect(cache.get('first')).toBe('1');
  expect(cache.bytes).toBeLessThanOrEqual(10_000);
});

test('a thousand long texts take no more than a few', () => {
  const cache = new ProgramCache<number>(100_000);
  for (let index = 0; index < 1_000; index++) cache.set(`${index}${'y'.repeat(20_000)}`, index);
  expect(cache.bytes).toBeLessThanOrEqual(100_000);
});

test('what is set again weighs once', () => {
  const cache = new ProgramCache<number>(100_000);
  cache.set('a', 1);
  const { bytes } = cache;
  expect(cache.set('a', 2)).toEqual([1]);
  expect(cache.bytes).toBe(bytes);
});
