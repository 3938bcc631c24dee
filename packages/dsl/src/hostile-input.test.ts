// cspell:ignore bcdefghi letrec
/** Any input whatever ends in findings: no exception, no hang (the tests' own time limit is the bound). */
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compiler } from '../test/starlark-compiler.js';
import { codeExamples } from './code-examples.js';
import { type Issue, parseAgent, parseTeams, parseWorkflow } from './index.js';
import { limits } from './limits.js';

const errorsOf = (text: string | Uint8Array): readonly Issue[] => {
  const parsed = parseWorkflow(text, { compiler });
  return parsed.ok ? [] : parsed.errors;
};
const codesOf = (text: string | Uint8Array): ReadonlySet<string> =>
  new Set(errorsOf(text).map(({ code }) => code));
const maxBytes = limits.maxTextBytes;
const head = 'id: w\nstart: a\nstates:\n';

describe('texts that are no definition', () => {
  test.each([
    ['nothing', '', 'EMPTY_DEFINITION'],
    ['blanks', ' \n\t\n', 'EMPTY_DEFINITION'],
    ['a comment', '# x', 'EMPTY_DEFINITION'],
    ['null', 'null', 'EMPTY_DEFINITION'],
    ['a byte order mark', '\uFEFF', 'EMPTY_DEFINITION'],
    ['a text', 'hello', 'INVALID_VALUE'],
    ['a number', '1', 'INVALID_VALUE'],
    ['a list', '- a', 'INVALID_VALUE'],
    ['two documents', 'id: a\n---\nid: b', 'INVALID_YAML'],
    ['a key twice', 'id: a\nid: b', 'INVALID_YAML'],
    ['a key twice, once as a number', 'pins: { 1: a, "1": b }', 'INVALID_YAML'],
    ['__proto__', 'id: a\n__proto__: { x: 1 }', 'INVALID_YAML'],
    ['a quoted __proto__', '{"id": "a", "__proto__": {"x": 1}}', 'INVALID_YAML'],
    ['a number for a key', '1: a', 'UNKNOWN_FIELD'],
    ['a key that is null', '? \n: a', 'INVALID_YAML'],
    ['a key that is a list', '? [a]\n: b', 'INVALID_YAML'],
    ['a tag', 'id: !secret a', 'INVALID_YAML'],
    ['a tag of a language', 'id: !!js/function "a"', 'INVALID_YAML'],
    ['a binary', 'id: !!binary aGk=', 'INVALID_YAML'],
    ['a set', 'pins: !!set {a}', 'INVALID_YAML'],
    ['an alias without an anchor', 'id: *a', 'INVALID_YAML'],
    ['an anchor within itself', 'id: a\npins: &p { models: *p }', 'INVALID_YAML'],
    ['anchors within each other', 'id: a\npins: &p [&q [*p, *q]]', 'INVALID_YAML'],
    ['a merge key', 'pins: { <<: { a: 1 } }', 'INVALID_YAML'],
    ['not a number', 'timeoutSeconds: .nan', 'INVALID_YAML'],
    ['infinity', 'timeoutSeconds: .inf', 'INVALID_YAML'],
    ['a number that loses digits', 'version: 12345678901234567890', 'INVALID_YAML'],
    ['half a surrogate pair', '{"id": "\\ud800"}', 'INVALID_YAML'],
    ['a quote without an end', 'id: "a', 'INVALID_YAML'],
    ['tabs', 'id: a\nstates:\n\t- x', 'INVALID_YAML'],
    ['a directive', '%YAML 9.9\n---\nid: [', 'INVALID_YAML'],
  ])('%s', (_, text, code) => {
    expect(codesOf(text)).toContain(code);
  });

  test.each([
    ['latin 1', [0x69, 0x64, 0x3a, 0x20, 0xe9]],
    ['UTF-16', [0xff, 0xfe, 0x69, 0x00]],
    ['a cut character', [0x69, 0x64, 0x3a, 0x20, 0xc3]],
    ['an overlong form', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
  ])('bytes that are not UTF-8: %s', (_, bytes) => {
    expect(codesOf(Uint8Array.from(bytes))).toEqual(new Set(['INVALID_YAML']));
  });
});

describe('texts beyond the limits', () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefghi'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(', ')}]`),
  ].join('\n');
  const states = (count: number) =>
    head.replace('start: a', 'start: s0') +
    Array.from({ length: count }, (_, i) => `- { name: s${i}, type: inject, data: 1, end: true }\n`).join('');
  const nested = (depth: number): string =>
    depth === 0
      ? '[{ name: a, type: inject, data: 1, end: true }]'
      : `[{ name: a, type: parallel, end: true, branches: [{ name: b, states: ${nested(depth - 1)} }] }]`;

  test.each([
    ['10 MB', 'a'.repeat(10 * 1024 * 1024)],
    ['10 MB of bytes', new Uint8Array(10 * 1024 * 1024)],
    ['a character of four bytes too many', '😀'.repeat(maxBytes / 4 + 1)],
    ['100,000 brackets', '['.repeat(100_000)],
    ['100,000 braces', '{'.repeat(100_000)],
    ['100,000 maps in maps', '{a: '.repeat(100_000)],
    ['100,000 lists in lists', '- '.repeat(100_000)],
    ['100,000 keys of keys', '? '.repeat(100_000)],
    ['lines ever deeper', Array.from({ length: 1300 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['aliases that multiply', bomb],
    ['an alias of a long text, often', `a: &a ${'x'.repeat(100_000)}\nb: [${'*a, '.repeat(100)}]`],
    ['too many aliases', `a: &a 1\nb: [${'*a, '.repeat(limits.maxAliases + 1)}]`],
    ['nothing but commas', `[${','.repeat(maxBytes - 2)}`],
    ['nothing but lines', '\n'.repeat(maxBytes)],
    ['nothing but quotes', '""'.repeat(maxBytes / 2)],
    ['too many states', states(limits.maxStates + 1)],
    ['scopes too deep', `id: w\nstart: a\nstates: ${nested(limits.maxScopeDepth)}`],
  ])('%s', (_, text) => {
    expect(codesOf(text)).toEqual(new Set(['LIMIT_EXCEEDED']));
  });

  test('what is just within the limits is accepted', () => {
    expect(codesOf(states(limits.maxStates))).toEqual(new Set());
    expect(codesOf(`id: w\nstart: a\nstates: ${nested(limits.maxScopeDepth - 1)}`)).toEqual(new Set());
    expect(
      codesOf(`x-a: &a 1\nid: w\n${head.slice(6)}- { name: a, type: inject, data: [*a, *a], end: true }`),
    ).toEqual(new Set(['UNKNOWN_FIELD']));
  });
});

describe('texts that are slow for a careless reader', () => {
  const inject = (data: string) => `${head}- { name: a, type: inject, end: true, data: ${data} }\n`;

  test.each([
    ['templates that do not close', inject(JSON.stringify('{{ ( }} '.repeat(60_000)))],
    ['braces', inject(JSON.stringify('{{'.repeat(200_000)))],
    ['quotes in a template', inject(JSON.stringify(`{{ ${'"'.repeat(200_000)}`))],
    [
      'many different templates',
      inject(JSON.stringify(Array.from({ length: 60_000 }, (_, i) => `{{ a${i} }}`).join(''))),
    ],
    ['many templates', inject(JSON.stringify('{{ a }}'.repeat(60_000)))],
    ['a long expression', inject(JSON.stringify(`{{ ${'a+'.repeat(200_000)}a }}`))],
    ['nested brackets in an expression', inject(JSON.stringify(`{{ ${'('.repeat(100_000)} }}`))],
    ['unknown fields', `${head}- { ${Array.from({ length: 20_000 }, (_, i) => `f${i}: 1`).join(', ')} }`],
    ['one long unknown field', `${'timeoutSeconds'.repeat(50)}: 1`],
    ['many equal keys', 'a: 1\n'.repeat(40_000)],
    ['a pattern that backtracks', `inputSchema: { type: string, pattern: "(a+)+$" }\n${inject('1')}`],
    ['unknown targets', head + '- { name: a, type: inject, data: 1, next: b }\n'.repeat(1000)],
    [
      'a long path',
      `${head}- { name: a, type: inject, data: 1, end: true, resultPath: ${'a.'.repeat(200_000)} }`,
    ],
    [
      'a wide switch',
      `${head}- { name: a, type: switch, conditions: [${'{ if: x, next: a }, '.repeat(20_000)}] }`,
    ],
  ])('%s', (_, text) => {
    expect(Array.isArray(errorsOf(text))).toBe(true);
  });

  test('no more findings are kept than the limit', () => {
    const text = `${head}- { name: a, type: inject, data: 1, end: true, ${Array.from({ length: 5000 }, (_, i) => `f${i}: 1`).join(', ')} }`;
    const errors = errorsOf(text);
    expect(errors.length).toBeGreaterThan(200);
    expect(errors.length).toBeLessThanOrEqual(limits.maxIssues + 1);
    expect(errors.some(({ code }) => code === 'LIMIT_EXCEEDED')).toBe(true);
  });
});

describe('keys that objects have anyhow', () => {
  test.each(['constructor', 'prototype'])('%s is refused in data and as a name', (key) => {
    expect(codesOf(`${head}- { name: a, type: inject, data: { ${key}: 1 }, end: true }`)).toEqual(
      new Set(['INVALID_VALUE']),
    );
    expect(
      codesOf(`id: w\nstart: ${key}\nstates:\n- { name: ${key}, type: inject, data: 1, end: true }`),
    ).toEqual(new Set(['INVALID_VALUE']));
  });

  test.each(['toString', 'hasOwnProperty', 'valueOf'])('%s is an unknown field, type and target', (key) => {
    expect(codesOf(`${head}- { name: a, type: ${key}, next: ${key}, ${key}: 1 }`)).toEqual(
      new Set(['UNKNOWN_TYPE', 'UNKNOWN_TRANSITION_TARGET']),
    );
    expect(codesOf(`${key}: 1\n${head}- { name: a, type: inject, data: 1, end: true, ${key}: 1 }`)).toEqual(
      new Set(['UNKNOWN_FIELD']),
    );
  });
});

const triage = readFileSync(
  new URL('../test/fixtures/incident-triage.workflow.yaml', import.meta.url),
  'utf8',
);
const seeds = [triage, ...Object.values(codeExamples)];

const mutation = fc.record({
  at: fc.nat({ max: 3000 }),
  length: fc.nat({ max: 30 }),
  text: fc.oneof(
    fc.constantFrom(
      '{{',
      '}}',
      '"',
      "'",
      ': ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '\n',
      '\n  ',
      '&a ',
      '*a',
      '|\n',
      '>\n',
      '#',
      '!',
      '\t',
      'null',
      '1e999',
    ),
    fc.constantFrom(
      'states',
      'next: ',
      'end: true',
      'type: parallel',
      'branches: [{',
      'iterator: {',
      '$ref',
      '__proto__',
      'ctx.',
      'input',
    ),
    fc.string({ maxLength: 8 }),
  ),
});

const mutated = fc
  .tuple(fc.constantFrom(...seeds), fc.array(mutation, { maxLength: 6 }))
  .map(([seed, mutations]) =>
    mutations.reduce((text, { at, length, text: put }) => {
      const from = text.length === 0 ? 0 : at % text.length;
      return text.slice(0, from) + put + text.slice(from + length);
    }, seed),
  );

const isPlaced = (text: string, issue: Issue): boolean => {
  const line = text.replace(/^\uFEFF/, '').split('\n')[issue.line - 1];
  return line !== undefined && issue.column >= 1 && issue.column <= line.length + 1;
};

const holds = (text: string): void => {
  const parsed = parseWorkflow(text, { compiler });
  const issues = [...(parsed.ok ? [] : parsed.errors), ...parsed.warnings];
  expect(parsed.ok || parsed.errors.length > 0).toBe(true);
  for (const issue of issues) expect([issue, isPlaced(text, issue)]).toEqual([issue, true]);
  if (parsed.ok) expect(JSON.parse(JSON.stringify(parsed.plan))).toEqual(parsed.plan);
};

describe('generated texts: a result, each finding within the text, each plan plain JSON', () => {
  test('definitions with changes', () => {
    fc.assert(fc.property(mutated, holds), { numRuns: 1000 });
  });

  test('any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), holds), { numRuns: 500 });
  });

  test('any JSON', () => {
    const key = fc.constantFrom(
      'id',
      'states',
      'name',
      'type',
      'next',
      'input',
      'action',
      'branches',
      'data',
      'output',
      'catch',
      'retry',
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom<unknown>(
          'a',
          'operation',
          'parallel',
          'switch',
          'agent.run',
          '{{ x }}',
          '',
          1,
          -1,
          true,
          null,
        ),
        fc.dictionary(key, tie('any'), { maxKeys: 6 }),
        fc.array(tie('any'), { maxLength: 3 }),
      ),
    }));
    fc.assert(
      fc.property(value.any, (json) => holds(JSON.stringify(json))),
      { numRuns: 500 },
    );
  });

  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const parsed = parseWorkflow(bytes, { compiler });
        expect(parsed.ok || parsed.errors.length > 0).toBe(true);
      }),
    );
  });

  test('agents and teams', () => {
    const agent =
      '---\nmodel: scripted/demo\nanswers: [{ when: "task == 1", output: "{{ task }}" }]\n---\nDo {{ task }}.\n';
    const text = fc.tuple(fc.nat(), fc.nat({ max: 10 }), mutation).map(([at, length, { text: put }]) => {
      const from = at % agent.length;
      return agent.slice(0, from) + put + agent.slice(from + length);
    });
    fc.assert(
      fc.property(fc.oneof(text, mutated, fc.string()), (one) => {
        for (const parsed of [
          parseAgent(one, 'a', { compiler }),
          parseTeams(one),
          parseTeams(Buffer.from(one)),
        ]) {
          expect(parsed.ok || parsed.errors.length > 0).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
