import { describe, expect, test } from 'vitest';
import { actor, canonicalActor } from '../src/index.js';

test.each([
  ['user:alice', 'user:alice'],
  ['User:Alice', 'user:alice'],
  ['service:CI-7', 'service:ci-7'],
  ['user:alice@example.com', 'user:alice@example.com'],
])('%s acts as %s', (claimed, canonical) => {
  expect(canonicalActor(claimed)).toBe(canonical);
  expect(actor.safeParse(canonical).success).toBe(true);
});

describe.each([
  'system:orchestrator',
  'SYSTEM:orchestrator',
  'team:sre',
  'alice',
  'user:',
  'user:-alice',
  'user:al ice',
  'user:alice\n',
  'user:alice\u0000',
  'user:\u202ealice',
  'user:ali\u200bce',
  'user:\u0430lice',
  'user:\uff41lice',
  'user:\u212aim',
  'user:alı',
  'user:e\u0301va',
  'user:a:b',
  `user:${'x'.repeat(129)}`,
])('the actor %j', (claimed) => {
  test('can be claimed by nobody', () => {
    expect(canonicalActor(claimed)).toBeUndefined();
  });
});

test('an actor on the wire is in its one form', () => {
  for (const other of ['User:alice', 'user:Alice', 'user:\u0430lice', 'team:sre'])
    expect(actor.safeParse(other).success).toBe(false);
});
