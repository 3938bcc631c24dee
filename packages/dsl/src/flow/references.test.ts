import { expect, test } from 'vitest';
import { asksForPresence, referencesOf } from './references.js';

const show = (expression: string): readonly string[] =>
  referencesOf(expression, new Set(['ctx', 'a', 'b'])).map(
    ({ name, keys, index }) => `${index}:${[name, ...keys].join('/')}`,
  );

test.each([
  ['ctx.steps.check', ['0:ctx/steps/check']],
  ['ctx["steps"][\'x y\'][0].z + a', ['0:ctx/steps/x y/0/z', '27:a']],
  ['a.get("x").y', ['0:a']],
  ['a.items()[0]', ['0:a']],
  ['x.a.b', []],
  ['"ctx.a" + b', ['10:b']],
  ['"""a""" + r\'b\' # a', []],
  ['[a.x for a in b]', ['1:a/x', '9:a', '14:b']],
  ['a [ 0 ] . c', ['0:a/0/c']],
  ['a[b].c', ['0:a', '2:b']],
  ['1.5e3 + 0xaa + a', ['15:a']],
])('%s', (expression, expected) => {
  expect(show(expression)).toEqual(expected);
});

test.each(['hasattr(ctx, "a")', 'ctx.get("a")', '"a" in ctx', 'a if "b" in ctx else 1'])(
  '%s asks',
  (expression) => {
    expect(asksForPresence(expression)).toBe(true);
  },
);

test.each(['ctx.a', '[x for x in ctx.a]', 'ctx.inner'])('%s does not ask', (expression) => {
  expect(asksForPresence(expression)).toBe(false);
});
