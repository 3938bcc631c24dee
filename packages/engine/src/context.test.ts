import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  contextOf,
  emptyContext,
  explainAbsence,
  nodeAt,
  overlay,
  plain,
  plainWithoutReserved,
  spreadProblem,
  withValueAt,
  writeProblem,
} from './context.js';
import { InvariantViolation } from './invariant-violation.js';
import type { Json } from './json.js';
import type { Path } from './plan.js';

const context = (input: Json) => contextOf(input, { input, run: { id: 'r' } });

describe('a context', () => {
  test('is the input with the reserved roots over it', () => {
    expect(plain(context({ a: 1, run: 'mine' }))).toEqual({
      a: 1,
      run: { id: 'r' },
      input: { a: 1, run: 'mine' },
    });
    expect(plainWithoutReserved(context({ a: 1 }))).toEqual({ a: 1 });
    expect(plainWithoutReserved(context('text'))).toEqual({});
  });

  test('makes the objects on the way to a path, and keeps what is beside it', () => {
    const written = withValueAt(context({ a: { b: 1 } }), ['a', 'c', 'd'], [2]);
    expect(plainWithoutReserved(written)).toEqual({ a: { b: 1, c: { d: [2] } } });
    expect(plainWithoutReserved(withValueAt(written, ['a'], 3))).toEqual({ a: 3 });
  });

  test('leaves the context that it was written from, and the input, as they were', () => {
    const input = { a: { b: 1 } };
    const before = context(input);
    withValueAt(before, ['a', 'b'], 2);
    expect(plainWithoutReserved(before)).toEqual({ a: { b: 1 } });
    expect(input).toEqual({ a: { b: 1 } });
  });

  test('gives the same plain object for the same version', () => {
    const version = withValueAt(context({}), ['steps', 'a'], { big: true });
    const next = withValueAt(version, ['other'], 1);
    expect(plain(version)).toBe(plain(version));
    const steps = (value: Json) => (value as { readonly [key: string]: Json }).steps;
    expect(steps(plain(next))).toBe(steps(plain(version)));
  });

  test.each<[Path, RegExp]>([
    [['a', 'b', 'c'], /"a\.b\.c" cannot be written: "a\.b" is a number, not an object/],
    [['list', 0], /"list" is a list, not an object/],
    [['list', 'x'], /"list" is a list, not an object/],
    [['new', 0], /would write into a list/],
    [['input', 'x'], /"input" holds what the run was given/],
    [['run'], /"run" holds what the run was given/],
    [['a', '__proto__', 'x'], /"__proto__" cannot be a key/],
    [['constructor'], /"constructor" cannot be a key/],
    [['x', 'y', 'prototype'], /"prototype" cannot be a key/],
  ])('refuses to be written at %j', (path, message) => {
    expect(writeProblem(context({ a: { b: 1 }, list: [1] }), path)).toMatch(message);
  });

  test('can be written over anything that is there, and anywhere below an object', () => {
    const given = context({ a: { b: 1 }, list: [1] });
    for (const path of [['a'], ['a', 'b'], ['list'], ['a', 'new', 'deep'], []] as const)
      expect(writeProblem(given, path)).toBeUndefined();
  });

  test('throws where a write was not judged before', () => {
    expect(() => withValueAt(context({ a: 1 }), ['a', 'b'], 2)).toThrow(InvariantViolation);
    expect(() => withValueAt(context({}), [], 2)).toThrow(InvariantViolation);
    expect(() => withValueAt(context({}), ['a', 0], 2)).toThrow(InvariantViolation);
  });

  test('takes an object for the whole of it, but no reserved and no dangerous names', () => {
    expect(spreadProblem({ a: 1 })).toBeUndefined();
    expect(spreadProblem([1])).toMatch(/not a list/);
    expect(spreadProblem({ input: 1 })).toMatch(/"input"/);
    expect(spreadProblem(JSON.parse('{"__proto__":{}}') as Json)).toMatch(/"__proto__"/);
  });

  test('never lets a key of the input reach an object’s own machinery', () => {
    const hostile = context(JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":{"x":1}}}') as Json);
    const seen = plain(withValueAt(hostile, ['a', 'b'], 1)) as { readonly [key: string]: unknown };
    expect(seen.polluted).toBeUndefined();
    expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined();
    expect(nodeAt(hostile, ['toString'])).toBeUndefined();
    expect(nodeAt(hostile, ['a', 'constructor'])).toBeUndefined();
  });

  test('says what is there instead of what is not', () => {
    const given = withValueAt(context({ a: { b: 1 }, list: [1, 2] }), ['c', 'd'], 1);
    expect(explainAbsence(given, ['a', 'x'])).toBe('"a" has no field "x"; it has: b');
    expect(explainAbsence(given, ['c', 'x', 'y'])).toBe('"c" has no field "x"; it has: d');
    expect(explainAbsence(given, ['list', 5])).toBe('"list" is a list of 2 and has no "5"');
    expect(explainAbsence(given, ['a', 'b', 'c'])).toBe('"a.b" is a number, which has no fields');
    expect(explainAbsence(emptyContext, ['x'])).toBe('"ctx" has no field "x"; it has: nothing');
  });

  test('of a child is its own writes over its parent’s', () => {
    const keys = fc.constantFrom('a', 'b', 'c');
    const path = fc.array(keys, { minLength: 1, maxLength: 3 });
    const value = fc.oneof(fc.nat(), fc.dictionary(keys, fc.nat(), { maxKeys: 2 }));
    const write = fc.record({ path, value });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 6 }), fc.array(write, { maxLength: 8 }), (before, own) => {
        let parent = context({ a: { b: { c: 0 } }, b: 1 });
        for (const { path, value } of before)
          if (writeProblem(parent, path) === undefined) parent = withValueAt(parent, path, value);
        let seen = parent;
        let writes = emptyContext;
        for (const { path, value } of own) {
          if (writeProblem(seen, path) !== undefined) continue;
          seen = withValueAt(seen, path, value);
          writes = withValueAt(writes, path, value);
        }
        expect(JSON.stringify(plain(overlay(parent, writes)))).toBe(JSON.stringify(plain(seen)));
      }),
    );
  });
});
