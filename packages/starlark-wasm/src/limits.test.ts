// cspell:ignore héllo
import { describe, expect, test } from 'vitest';
import { createStarlark, type EvaluateResult } from './index.js';

const starlark = createStarlark();

function answer(expression: string, kind: 'compile' | 'compileScript' = 'compile'): EvaluateResult {
  const compiled = starlark[kind](expression, undefined);
  if (!compiled.ok) throw new Error(`does not compile: ${JSON.stringify(compiled)}`);
  return starlark.evaluate(compiled.program, { word: 'héllo' });
}

describe('an expression beyond a limit is EXPRESSION_LIMIT, and the next one works', () => {
  test.each([
    ['a long string', '"a" * 2000000000'],
    ['a string beyond memory', 'len("a" * 1000000000)'],
    ['a string just beyond memory', 'len("a" * 70000000)'],
    ['a long comprehension', '[x for x in range(1000000000)]'],
    ['a long loop inside a builtin', 'sum(range(1000000000))'],
    ['a search for the largest', 'max(range(1000000000))'],
    ['a sort of what is too long', 'sorted(range(100000000))'],
    ['a list of a long range', 'list(range(1000000000))'],
    ['a shift', '1 << 100000000'],
    ['large multiplications', '[x * x for x in [int("9" * 3000000)]]'],
    ['a list repeated', '[0] * 100000000'],
    ['a list beyond the address space', '[0] * 1000000000'],
    ['nested repetition', '[[["x"] * 1000] * 1000] * 1000'],
    ['a join', '"x".join(["a" * 1000000] * 1000)'],
    ['a replacement', '("a" * 10000000).replace("a", "b" * 1000)'],
    ['a format', '"%s" % ("a" * 100000000)'],
    ['JSON of much', 'json.encode([["a" * 1000] * 1000] * 1000)'],
    ['many long searches', '[s.count("b") for s in ["a" * 10000000] * 1000]'],
    ['a value of 17 MiB', '"a" * 17825792'],
    ['deep JSON', 'json.decode("[" * 1000000)'],
  ])('%s', (_, expression) => {
    expect(answer(expression)).toMatchObject({ ok: false, code: 'EXPRESSION_LIMIT' });
    expect(answer('word + "!"')).toEqual({ ok: true, value: 'héllo!' });
  });

  test('a value that holds itself is no JSON', () => {
    expect(answer('a = []\na.append(a)\na', 'compileScript')).toMatchObject({ code: 'EXPRESSION_ERROR' });
    expect(answer('a = []\na.append(a)\njson.encode(a)', 'compileScript')).toMatchObject({
      code: 'EXPRESSION_LIMIT',
    });
    expect(answer('1')).toEqual({ ok: true, value: 1 });
  });

  test('a script has the same limits', () => {
    const source = 'def main(ctx):\n  for i in range(1000000):\n    pass\n';
    const compiled = starlark.compileScript(source, undefined);
    expect(compiled.ok && starlark.evaluate(compiled.program, { ctx: {} })).toMatchObject({
      code: 'EXPRESSION_LIMIT',
    });
  });
});

test('an expression may use 60 MB, also after others have', () => {
  for (let i = 0; i < 3; i++) {
    expect(answer('len(["a" * 1000 for _ in range(9000)])')).toEqual({ ok: true, value: 9_000 });
    expect(answer('len("a" * 60000000)')).toEqual({ ok: true, value: 60_000_000 });
  }
});

test('recursion is refused', () => {
  expect(answer('(lambda f: f(f))(lambda f: f(f))')).toMatchObject({ code: 'EXPRESSION_ERROR' });
});

test('data nested beyond reason does not stop the evaluator', () => {
  const compiled = starlark.compile('x', undefined);
  if (!compiled.ok) throw new Error('does not compile');
  const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  expect(starlark.evaluate(compiled.program, { x: nested(400) })).toMatchObject({ ok: true });
  expect(starlark.evaluate(compiled.program, { x: nested(600) })).toMatchObject({ code: 'EXPRESSION_ERROR' });
  expect(starlark.evaluate(compiled.program, { x: nested(5_000) })).toMatchObject({ ok: false });
  expect(answer('1')).toEqual({ ok: true, value: 1 });
});

test('a large scope crosses, and leaves nothing behind', () => {
  const compiled = starlark.compile('len(x) + len(x[0])', undefined);
  if (!compiled.ok) throw new Error('does not compile');
  for (let i = 0; i < 3; i++) {
    expect(starlark.evaluate(compiled.program, { x: ['é'.repeat(3_000_000)] })).toEqual({
      ok: true,
      value: 6_000_001,
    });
  }
  expect(answer('word')).toEqual({ ok: true, value: 'héllo' });
});

test('more programs than are kept compile, and the first still evaluates', () => {
  const own = createStarlark();
  const first = own.compile('n + 1', undefined);
  for (let i = 0; i < 1_500; i++) own.compile(`n + ${i} + 2`, undefined);
  expect(first.ok && own.evaluate(first.program, { n: 1 })).toEqual({ ok: true, value: 2 });
});

test('nothing is written to the globals of the process', () => {
  expect(Object.keys(globalThis)).not.toContain('Go');
  expect('fs' in globalThis).toBe(false);
});
