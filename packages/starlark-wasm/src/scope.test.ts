import { expect, test } from 'vitest';
import type { Json, Reads } from './scope.js';
import { createStarlark } from './starlark.js';

const starlark = createStarlark();

/** Evaluates over a scope function that gives exactly what it is asked for, and keeps what it was asked. */
const ask = (expression: string, ctx: Json) => {
  const asked: (Reads | undefined)[] = [];
  const compiled = starlark.compile(expression, undefined);
  if (!compiled.ok) throw new Error('does not compile');
  const result = starlark.evaluate(compiled.program, (name, reads) => {
    if (name !== 'ctx') return undefined;
    asked.push(reads);
    return ctx;
  });
  return { result, asked };
};

const ctx: Json = { a: { b: 1, c: [1, 2] }, d: 'text', get: 'a field' };

test('a name that is read by fields alone is asked for those fields', () => {
  const { result, asked } = ask('ctx.a.b + len(ctx["a"]["c"]) + len(ctx.d)', ctx);
  expect(result).toEqual({ ok: true, value: 7 });
  expect(asked).toEqual([{ a: { b: true, c: true }, d: true }]);
});

test.each([
  ['len(ctx)', 3],
  ['sorted([key for key in ctx])', ['a', 'd', 'get']],
  ['"d" in ctx and ctx.a.b == 1', true],
  ['hasattr(ctx, "d")', true],
  ['[x for x in [ctx]][0].d', 'text'],
  ['ctx == {"d": 1}', false],
  ['ctx[["a", "d"][1]]', 'text'],
])('%s may read anything, so the whole is asked for', (expression, value) => {
  const { result, asked } = ask(expression, ctx);
  expect(result).toEqual({ ok: true, value });
  expect(asked).toEqual([undefined]);
});

test('a method reads the whole of what it is called on', () => {
  const { result, asked } = ask('ctx.a.get("b", 0) + ctx.a.get("z", 5)', ctx);
  expect(result).toEqual({ ok: true, value: 6 });
  expect(asked).toEqual([{ a: true }]);
});

test('an error tells what fields there are, not only those that are read', () => {
  const { result } = ask('ctx.a.z', ctx);
  expect(result.ok ? '' : result.message).toContain('it has: b, c');
});

test('a field of a value that is no object is read of the whole value', () => {
  expect(ask('ctx.d.upper()', ctx).result).toEqual({ ok: true, value: 'TEXT' });
  expect(ask('ctx.a.c[1]', ctx).result).toEqual({ ok: true, value: 2 });
});
