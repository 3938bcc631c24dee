/** Ids, paths, pauses and digests that must be the same in every process and for ever. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attempts, operation, plan, states } from '../test/support/plans.js';
import { digest, Player, start, stepId } from '../test/support/scenario.js';
import { canonicalJson } from './canonical-json.js';
import {
  backoffMs,
  evolve,
  InvariantViolation,
  initialState,
  type Json,
  restore,
  snapshot,
  stepIdOf,
} from './index.js';
import { formatPath, parsePath } from './path.js';
import { childPath, childPrefixOf } from './scope-path.js';

const place = { runId: 'r', state: 's', scope: '', foreachIndex: undefined, visit: 1 };

describe('a step id', () => {
  test('is the first 16 hex digits of the hash over run, state, branch path and index', () => {
    expect(stepIdOf(place, digest)).toBe(digest('r|s||').slice(0, 16));
    expect(stepIdOf({ ...place, scope: 'all/3', foreachIndex: 3 }, digest)).toBe(
      digest('r|s|all/3|3').slice(0, 16),
    );
  });

  test('adds the visit from the second on', () => {
    expect(stepIdOf({ ...place, visit: 2 }, digest)).toBe(digest('r|s|||2').slice(0, 16));
  });
});

test('scope paths tell states, visits and children apart', () => {
  expect(childPath(childPrefixOf('', 'all', 1), 3)).toBe('all/3');
  expect(childPath(childPrefixOf('all/3', 'fan', 2), 'left')).toBe('all/3/fan#2/left');
});

describe('the pause before another attempt', () => {
  const policy = attempts(9, { initialBackoffMs: 100, multiplier: 3, maxBackoffMs: 1_000 });
  const highest = () => 'f'.repeat(64);

  test('grows by the multiplier up to the cap', () => {
    expect([1, 2, 3, 4].map((attempt) => backoffMs(policy, 'a', attempt, highest))).toEqual([
      100, 300, 900, 1_000,
    ]);
    expect(backoffMs({ ...policy, multiplier: 1e300 }, 'a', 9, highest)).toBe(1_000);
    expect(backoffMs({ ...policy, initialBackoffMs: 0, multiplier: 1e300 }, 'a', 9, highest)).toBe(0);
  });

  test('is drawn between nothing and that, the same each time for the same step and attempt', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 50 }), (id, attempt) => {
        const pause = backoffMs(policy, id, attempt, digest);
        expect(pause).toBe(backoffMs(policy, id, attempt, digest));
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThanOrEqual(1_000);
      }),
    );
    const pauses = Array.from({ length: 50 }, (_, index) => backoffMs(policy, `step${index}`, 4, digest));
    expect(new Set(pauses).size).toBeGreaterThan(40);
  });
});

describe('paths', () => {
  test.each([
    ['steps.check.items[0].name', ['steps', 'check', 'items', 0, 'name']],
    ['ctx.a', ['a']],
    ['$.a[1][2]', ['a', 1, 2]],
    ['ctx', []],
    ['ctxt', ['ctxt']],
  ])('%s is read', (text, parsed) => {
    expect(parsePath(text)).toEqual(parsed);
  });

  test.each(['', 'a..b', 'a.', '.a', 'a[', 'a[x]', 'a]b', 'a[0]b'])('"%s" is none', (text) => {
    expect(parsePath(text)).toBeUndefined();
  });

  test('are written as they are read', () => {
    expect(formatPath(['a', 0, 'b'])).toBe('a[0].b');
    expect(formatPath([])).toBe('ctx');
  });
});

test('canonical JSON does not depend on the order of keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as Json);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(JSON.parse(text) as Json)).toBe(text);
    }),
  );
  expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true })).toBe(
    '{"a":true,"b":[1,{"c":"x","d":null}]}',
  );
});

describe('a history', () => {
  const player = new Player(plan(states(operation('a', null)))).play(start());
  const [first, second] = player.history;

  test('has no gap, nothing twice, and begins with the start', () => {
    if (first === undefined || second === undefined) throw new Error('the run has two events');
    const started = evolve(initialState, first);
    expect(() => evolve(initialState, second)).toThrow(InvariantViolation);
    expect(() => evolve(started, first)).toThrow(InvariantViolation);
    expect(() => evolve(started, { ...second, seq: 3 })).toThrow(InvariantViolation);
    expect(() => evolve(initialState, { ...second, seq: 1 })).toThrow(InvariantViolation);
    expect(() => evolve(started, { ...first, seq: 2 })).toThrow(InvariantViolation);
    expect(evolve(started, second).seq).toBe(2);
  });

  test('that names a step which is not there is damaged', () => {
    const event = { type: 'step.cancelled', stepId: 'nowhere' } as const;
    expect(() => evolve(player.state, { seq: player.state.seq + 1, at: 0, event })).toThrow(
      InvariantViolation,
    );
  });
});

test('a snapshot of another format is refused, that of no run is none', () => {
  for (const value of [null, [], 'x', { format: 99, run: null }, { format: 1 }] as readonly Json[])
    expect(() => restore(value)).toThrow(InvariantViolation);
  expect(restore(snapshot(initialState))).toEqual(initialState);
  expect(stepId('a')).toHaveLength(16);
});
