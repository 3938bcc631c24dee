// cspell:ignore eror
import { describe, expect, test } from 'vitest';
import { createStarlark, type EvaluateResult, type Json, type Scope } from './index.js';

const starlark = createStarlark();

function answer(expression: string, scope: Scope = {}): EvaluateResult {
  const compiled = starlark.compile(expression, undefined);
  if (!compiled.ok) throw new Error(`does not compile: ${JSON.stringify(compiled)}`);
  return starlark.evaluate(compiled.program, scope);
}

function value(expression: string, scope: Scope = {}): Json {
  const result = answer(expression, scope);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.value;
}

function error(expression: string, scope: Scope = {}): string {
  const result = answer(expression, scope);
  if (result.ok || result.code !== 'EXPRESSION_ERROR')
    throw new Error(`not an error: ${JSON.stringify(result)}`);
  return result.message;
}

function script(source: string, scope: Scope = {}): EvaluateResult {
  const compiled = starlark.compileScript(source, undefined);
  if (!compiled.ok) throw new Error(`does not compile: ${JSON.stringify(compiled)}`);
  return starlark.evaluate(compiled.program, scope);
}

const analysis = {
  ctx: { namespace: 'prod', steps: { analysis: { error_rate: 0.07, status: 'ok' } } },
  steps: { analysis: { error_rate: 0.07, status: 'ok' } },
};

describe('compiling', () => {
  test('names are the free names that are no builtins, each once', () => {
    const compiled = starlark.compile('len(a) + b.c + a[0] + sum([x for x in d])', undefined);
    expect(compiled).toMatchObject({
      ok: true,
      program: { names: ['a', 'b', 'd'], builtins: ['len', 'sum'] },
    });
  });

  test('a name that is not known is given with its place, an own or a known one is not', () => {
    expect(starlark.compile('known + missing + [x for x in known][0]', new Set(['known']))).toEqual({
      ok: false,
      kind: 'undefined',
      names: [{ name: 'missing', line: 1, column: 9 }],
    });
  });

  test('a syntax error has line and column in the text as it was given', () => {
    expect(starlark.compile('\n  1 +', undefined)).toMatchObject({
      ok: false,
      kind: 'syntax',
      line: 2,
      column: 6,
    });
    expect(starlark.compile(' (1 +\n2 +)', undefined)).toMatchObject({ ok: false, line: 2, column: 5 });
  });

  test('columns count characters, not bytes', () => {
    expect(starlark.compile('"é😀" + missing', new Set())).toMatchObject({ names: [{ line: 1, column: 8 }] });
  });

  test.each([
    ['nothing', ''],
    ['blanks', '  \n '],
    ['a statement', 'x = 1'],
    ['two expressions', '1 2'],
    ['an open bracket', '(1'],
    ['a repeated keyword', 'dict(a=1, a=2)'],
    ['an expression that closes more than it opens', '1) + (2'],
  ])('%s is a syntax error', (_, source) => {
    expect(starlark.compile(source, undefined)).toMatchObject({ ok: false, kind: 'syntax' });
  });

  test('an operator that Starlark has not is answered with what to write', () => {
    expect(starlark.compile('10**9', undefined)).toMatchObject({
      message: expect.stringContaining('math.pow'),
    });
    expect(starlark.compile('a && b', undefined)).toMatchObject({
      message: expect.stringContaining('`and`'),
    });
  });

  test('text that is nested or long beyond reason is a syntax error, and the next text compiles', () => {
    const nested = `${'('.repeat(30_000)}1${')'.repeat(30_000)}`;
    expect(starlark.compile(nested, undefined)).toMatchObject({ ok: false, kind: 'syntax' });
    expect(starlark.compile(`${'not '.repeat(16_000)}1`, undefined)).toMatchObject({
      ok: false,
      kind: 'syntax',
    });
    expect(starlark.compile(`1${'+1'.repeat(40_000)}`, undefined)).toMatchObject({
      ok: false,
      kind: 'syntax',
    });
    expect(value('1 + 1')).toBe(2);
  });
});

describe('fields of objects', () => {
  test('a field is read as an attribute and as an item', () => {
    expect(value('steps.analysis.error_rate > 0.05 and steps["analysis"]["status"] == "ok"', analysis)).toBe(
      true,
    );
  });

  test('a missing field says where, and what is there', () => {
    const message = 'steps.analysis has no field "eror_rate"; it has: error_rate, status';
    expect(error('steps.analysis.eror_rate', analysis)).toBe(message);
    expect(error('steps.analysis["eror_rate"]', analysis)).toBe(message);
    expect(error('ctx.steps.analysis.eror_rate', analysis)).toBe(`ctx.${message}`);
    expect(error('[x.b for x in ctx["the list"]]', { ctx: { 'the list': [{}] } })).toBe(
      'ctx["the list"][0] has no field "b"; it has no fields',
    );
  });

  test('a field of null says that it is null', () => {
    expect(error('ctx.a.b', { ctx: { a: null } })).toBe('null (None) has no .b field or method');
  });

  test('hasattr, getattr and get ask without failing', () => {
    const scope = { o: { a: 1 } };
    expect(value('[hasattr(o, "a"), hasattr(o, "b"), hasattr(o, "keys"), hasattr("s", "x")]', scope)).toEqual(
      [true, false, true, false],
    );
    expect(value('[o.get("b"), o.get("b", 7), o.get("a", 7), getattr(o, "b", 8)]', scope)).toEqual([
      null,
      7,
      1,
      8,
    ]);
  });

  test('keys, values and items are methods unless the data has such a field', () => {
    const scope = { o: { b: 1, a: 2 }, data: { items: [3], keys: 'k', get: 0 } };
    expect(value('[o.keys(), o.values(), o.items()]', scope)).toEqual([
      ['b', 'a'],
      [1, 2],
      [
        ['b', 1],
        ['a', 2],
      ],
    ]);
    expect(value('[data.items, data.keys, data.get, data.values()]', scope)).toEqual([
      [3],
      'k',
      0,
      [[3], 'k', 0],
    ]);
  });

  test('objects are dicts: in, len, iteration, equality at any depth and side', () => {
    const scope = { o: { b: 1, a: [{ c: 2 }] } };
    expect(value('["b" in o, "x" in o, len(o), [k for k in o], type(o)]', scope)).toEqual([
      true,
      false,
      2,
      ['b', 'a'],
      'dict',
    ]);
    expect(value('o == {"a": [{"c": 2}], "b": 1} and {"a": [{"c": 2}], "b": 1} == o', scope)).toBe(true);
    expect(value('o.a == [{"c": 2}] and {"c": 2} in o.a', scope)).toBe(true);
  });

  test('a dict made in the expression has fields too', () => {
    expect(value('[{"a": 1}.a, json.decode(text).x]', { text: '{"x": [1]}' })).toEqual([1, [1]]);
  });

  test('a scope cannot be changed by what it is given to', () => {
    expect(error('o.update({"a": 2})', { o: { a: 1 } })).toContain('frozen');
    expect(error('l.append(1)', { l: [] })).toContain('frozen');
  });
});

describe('values across the border', () => {
  const values: Json[] = [
    null,
    true,
    0,
    -1,
    2 ** 53,
    -(2 ** 53) + 1,
    1e21,
    0.1,
    5e-324,
    1.5e300,
    '',
    'é😀\u0000\u001f"\\/\n\u2028',
    [],
    {},
    [[1, [2]], { z: 1, a: { b: null } }],
    { 'a key': 1, ß: 2, '': 3 },
  ];
  test.each(values.map((each) => [JSON.stringify(each), each] as const))(
    '%s comes back as it went',
    (_, each) => {
      expect(value('x', { x: each })).toEqual(each);
    },
  );

  test('the order of keys is kept', () => {
    expect(JSON.stringify(value('[o, dict(z=1, a=2)]', { o: { z: 1, a: 2, m: 3 } }))).toBe(
      '[{"z":1,"a":2,"m":3},{"z":1,"a":2}]',
    );
  });

  test('integers are ints and others are floats', () => {
    expect(value('[type(a), type(b), type(c), a // 2, str(d)]', { a: 5, b: 0.5, c: 2 ** 60, d: 7 })).toEqual([
      'int',
      'float',
      'int',
      2,
      '7',
    ]);
  });

  test('half a surrogate pair becomes the replacement character', () => {
    expect(value('x', { x: 'a\ud800b' })).toBe('a\ufffdb');
  });

  test('a key called __proto__ is data', () => {
    const scope = JSON.parse('{"o": {"__proto__": 1}}') as { o: Json };
    expect(JSON.stringify(value('o', scope))).toBe('{"__proto__":1}');
  });

  test('tuples and ranges are lists', () => {
    expect(value('((1, 2), range(3))')).toEqual([
      [1, 2],
      [0, 1, 2],
    ]);
  });

  test.each([
    ['a builtin', 'len'],
    ['a lambda', 'lambda: 1'],
    ['a set', 'set([1])'],
    ['not a number', 'float("nan")'],
    ['infinity', 'float("inf")'],
    ['a key that is not a string', '{1: 2}'],
    ['an integer that a double does not hold', '(1 << 53) + 1'],
    ['a module', 'json'],
  ])('%s is no value', (_, expression) => {
    expect(error(`[${expression}]`)).toMatch(/value|integer/);
  });

  test('a large integer that one expression has made is the same for the next', () => {
    const made = value('1 << 62');
    expect(made).toBe(2 ** 62);
    expect(value('[n, -n, n == 1 << 62, n // 2 == 1 << 61]', { n: made as Json })).toEqual([
      2 ** 62,
      -(2 ** 62),
      true,
      true,
    ]);
    expect(value('n', { n: 123456789012345680000 })).toBe(123456789012345680000);
  });

  test('only the names that a program uses are asked for', () => {
    const asked: string[] = [];
    const scope = (name: string): Json | undefined => {
      asked.push(name);
      return name === 'a' ? 1 : undefined;
    };
    expect(value('a + len([2])', scope)).toBe(2);
    expect(asked).toEqual(['a', 'len']);
  });
});

describe('names', () => {
  test('the builtins of the language are there', () => {
    expect(value('[sum([1, 2], 3), sum([0.5]), math.floor(2.5), math.pi > 3, true, false, null]')).toEqual([
      6,
      0.5,
      2,
      true,
      true,
      false,
      null,
    ]);
    expect(value('json.encode({"a": [1, 2.5, None]}) + json.indent("[1]")')).toBe(
      '{"a":[1,2.5,null]}[\n\t1\n]',
    );
    expect(value('sorted([3, 1, 2], key=lambda x: -x)')).toEqual([3, 2, 1]);
  });

  test('a value of the scope wins over a builtin, for that evaluation only', () => {
    expect(value('type', { type: 'alert' })).toBe('alert');
    expect(value('type(1)')).toBe('int');
  });

  test('a name without a value fails by its name, and only where it is reached', () => {
    expect(error('missing + 1')).toBe('name "missing" is not defined');
    expect(value('1 if true else missing')).toBe(1);
  });

  test('an inherited property of the scope object is not a name', () => {
    expect(error('toString')).toBe('name "toString" is not defined');
  });

  test('one evaluation does not see the names of another', () => {
    expect(value('a', { a: 1 })).toBe(1);
    expect(error('a')).toBe('name "a" is not defined');
  });

  test('print does nothing and fail fails', () => {
    expect(value('print("x")')).toBe(null);
    expect(error('fail("not", "so")')).toBe('fail: not so');
  });
});

describe('scripts', () => {
  test('the value is that of the last expression', () => {
    expect(
      script('total = 0\nfor n in ctx.list:\n  total += n\n{"total": total}', { ctx: { list: [1, 2, 3] } }),
    ).toEqual({ ok: true, value: { total: 6 } });
  });

  test('a main is called with ctx', () => {
    const source = 'def double(n):\n  return 2 * n\ndef main(ctx):\n  return [double(n) for n in ctx.list]\n';
    expect(starlark.compileScript(source, new Set(['ctx']))).toMatchObject({ program: { names: ['ctx'] } });
    expect(script(source, { ctx: { list: [1, 2] } })).toEqual({ ok: true, value: [2, 4] });
    expect(script(source)).toMatchObject({ code: 'EXPRESSION_ERROR', message: 'name "ctx" is not defined' });
  });

  test('each run starts from nothing', () => {
    const source = 'seen = []\nseen.append(1)\nlen(seen)';
    expect([script(source), script(source)]).toEqual([
      { ok: true, value: 1 },
      { ok: true, value: 1 },
    ]);
  });

  test('a failure names its line', () => {
    expect(script('a = 1\nb = ctx.nope\nb', { ctx: { x: 1 } })).toMatchObject({
      message: 'line 2: ctx has no field "nope"; it has: x',
    });
  });

  test.each([
    ['without a value', 'x = 1'],
    ['with a load', 'load("a.star", "b")\nb'],
    ['with while', 'while true:\n  pass\n1'],
    ['of nothing', ''],
  ])('a script %s does not compile', (_, source) => {
    expect(starlark.compileScript(source, undefined)).toMatchObject({ ok: false, kind: 'syntax' });
  });

  test('a target of an assignment is a store and no read', () => {
    expect(script('d = {"a": {"b": 1}}\nd["a"]["b"] = 2\nd["c"] = d.a.b\nd["c"] += 1\nd')).toEqual({
      ok: true,
      value: { a: { b: 2 }, c: 3 },
    });
  });
});
