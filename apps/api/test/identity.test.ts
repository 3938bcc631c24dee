import { expect, test } from 'vitest';
import { createUuidV7, runIdOfKey } from '../src/identity.js';

const uuid = (version: number) =>
  new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`);

test('a new id is a UUID of version 7 and sorts by the millisecond that it was made in', () => {
  const ids = [1, 1_700_000_000_000, 1_700_000_000_001, 2 ** 48 - 1].map(createUuidV7);
  for (const id of ids) expect(id).toMatch(uuid(7));
  expect([...ids].sort()).toEqual(ids);
  expect(ids[1]?.replace('-', '').slice(0, 12)).toBe((1_700_000_000_000).toString(16).padStart(12, '0'));
  expect(new Set(Array.from({ length: 1_000 }, () => createUuidV7(5))).size).toBe(1_000);
});

test('a key stands for the same run everywhere, and for another in another workspace', () => {
  expect(runIdOfKey('default', 'a')).toMatch(uuid(8));
  // Fixed for ever: a client that repeats its request after an update must get its run.
  expect(runIdOfKey('default', 'a')).toBe('d91066dc-2ef6-8302-8161-25a2e86ae6f3');
  expect(runIdOfKey('other', 'a')).not.toBe(runIdOfKey('default', 'a'));
  expect(runIdOfKey('a', 'bc')).not.toBe(runIdOfKey('ab', 'c'));
});
