import { expect, it } from 'vitest';
import { LruMap } from './lru-map.js';

const filled = (maxCount: number, count: number): LruMap<number, string> => {
  const map = new LruMap<number, string>(maxCount);
  for (let key = 0; key < count; key += 1) {
    map.set(key, `value ${key}`);
    map.trim();
  }
  return map;
};
const keptOf = (map: LruMap<number, string>, count: number): number[] =>
  Array.from({ length: count }, (_, key) => key).filter((key) => map.get(key) !== undefined);

it('keeps the last half of its limit, and never more than its limit', () => {
  const kept = keptOf(filled(100, 1_025), 1_025);
  expect(kept.length).toBeLessThanOrEqual(100);
  expect(kept).toEqual(expect.arrayContaining(Array.from({ length: 50 }, (_, at) => 975 + at)));
});

it('keeps what is used, however much comes after it', () => {
  const map = filled(100, 50);
  for (let key = 50; key < 2_000; key += 1) {
    expect(map.get(7)).toBe('value 7');
    map.set(key, 'x');
    map.trim();
  }
});

it('forgets what is deleted, and keeps the last value of a key, in whichever generation it was', () => {
  const map = filled(4, 3);
  map.set(0, 'anew');
  map.delete(1);
  expect([map.get(0), map.get(1), map.get(2)]).toEqual(['anew', undefined, 'value 2']);
  map.clear();
  expect(map.get(0)).toBeUndefined();
});
