import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOf } from './hash-trie.js';
import { PersistentMap } from './persistent-map.js';

/** Two keys with the same hash, and so the same bucket: found by search, checked below. */
const collisions = ['k7uzm', 'k1bafmkc'] as const;

const operations = fc.array(
  fc.record({
    key: fc.oneof(
      fc.nat({ max: 60 }).map(String),
      fc.constantFrom('__proto__', 'constructor', ...collisions),
    ),
    value: fc.nat({ max: 5 }),
    isDelete: fc.boolean(),
  }),
  { maxLength: 200 },
);

describe('a persistent map', () => {
  test('behaves as a Map does, and iterates in the order of insertion', () => {
    fc.assert(
      fc.property(operations, (changes) => {
        const model = new Map<string, number>();
        let map = PersistentMap.empty<number>();
        for (const { key, value, isDelete } of changes) {
          map = isDelete ? map.delete(key) : map.set(key, value);
          if (isDelete) model.delete(key);
          else model.set(key, value);
          expect(map.size).toBe(model.size);
          expect(map.firstKey()).toBe([...model.keys()][0]);
          expect(map.get(key)).toBe(model.get(key));
          expect(map.has(key)).toBe(model.has(key));
        }
        expect([...map.entries()]).toEqual([...model.entries()]);
      }),
    );
  });

  test('leaves the maps that it was made from as they were', () => {
    fc.assert(
      fc.property(operations, (changes) => {
        let map = PersistentMap.empty<number>();
        const versions: (readonly [PersistentMap<number>, readonly (readonly [string, number])[]])[] = [];
        for (const { key, value, isDelete } of changes) {
          map = isDelete ? map.delete(key) : map.set(key, value);
          versions.push([map, [...map.entries()]]);
        }
        for (const [version, entries] of versions) expect([...version.entries()]).toEqual(entries);
      }),
      { numRuns: 40 },
    );
  });

  test('keeps keys apart whose hashes are equal', () => {
    const [one, other] = collisions;
    expect(hashOf(one)).toBe(hashOf(other));
    const filled = PersistentMap.from(
      Array.from({ length: 20 }, (_, index) => [`x${index}`, index] as const),
    );
    const both = filled.set(one, 1).set(other, 2);
    expect([both.get(one), both.get(other)]).toEqual([1, 2]);
    expect([both.delete(one).get(one), both.delete(one).get(other)]).toEqual([undefined, 2]);
  });

  test('is itself when nothing changes', () => {
    const map = PersistentMap.from([['a', 1]]);
    expect(map.set('a', 1)).toBe(map);
    expect(map.delete('b')).toBe(map);
    const large = PersistentMap.from(Array.from({ length: 50 }, (_, index) => [`${index}`, index] as const));
    expect(large.set('7', 7)).toBe(large);
    expect(large.delete('x')).toBe(large);
  });
});
