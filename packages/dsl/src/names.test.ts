// cspell:ignore limts aproved servce sevice podz stpes
import { describe, expect, test } from 'vitest';
import { compiler } from '../test/starlark-compiler.js';
import { type Issue, parseWorkflow } from './index.js';

const issuesOf = (text: string): readonly Issue[] => {
  const parsed = parseWorkflow(text, { compiler });
  return [...(parsed.ok ? [] : parsed.errors), ...parsed.warnings];
};
const short = (text: string): readonly string[] =>
  issuesOf(text).map((i) => `${i.line}:${i.column} ${i.code} ${i.message}`);

const schema =
  'inputSchema: { type: object, properties: { service: { type: string }, pods: { type: array } } }\n';
const workflow = (...states: readonly string[]): string =>
  `id: names\n${schema}start: a\nstates:\n${states.map((state) => `  - { ${state} }\n`).join('')}`;
const inject = (name: string, data: string, rest = 'end: true') =>
  `name: ${name}, type: inject, data: ${data}, ${rest}`;

describe('names of an expression', () => {
  test('ctx, input, run, fields of the input and of builtins are known', () => {
    const data =
      '"{{ [ctx.service, input.service, run.id, service, len(pods), json.encode(1), sum([1]), true, null] }}"';
    expect(issuesOf(workflow(inject('a', data)))).toEqual([]);
  });

  test('a name that nothing writes is an error with its own place and the nearest name', () => {
    expect(issuesOf(workflow(inject('a', '"for {{ servce }}"')))).toMatchObject([
      { code: 'UNDEFINED_NAME', line: 5, column: 44, hint: 'did you mean "service"?' },
    ]);
  });

  test('what any state of the scope writes is known, and so is an error that is caught', () => {
    const states = [
      'name: a, type: operation, action: agent.run, input: { agent: x }, catch: [{ errors: ["*"], next: b, resultPath: problem }], next: c',
      inject('b', '"{{ problem.code }}"'),
      inject('c', '"{{ steps.a }}"'),
    ];
    expect(issuesOf(workflow(...states))).toEqual([]);
  });

  test('without an input schema any name may come with the input', () => {
    expect(
      issuesOf(
        'id: w\nstart: a\nstates:\n  - { name: a, type: inject, data: "{{ anything.at.all }}", end: true }\n',
      ),
    ).toEqual([]);
  });

  test('with a dataPath bare names may be fields of its value, and result is that value', () => {
    const states = [
      inject('a', '{ rate: 1 }', 'resultPath: found, next: b'),
      'name: b, type: switch, dataPath: found, conditions: [{ if: "rate > 1 and result.rate > 1", next: c }], defaultNext: c',
      inject('c', '1'),
    ];
    expect(issuesOf(workflow(...states))).toEqual([]);
    const without = states.map((state) => state.replace('dataPath: found, ', ''));
    expect(short(workflow(...without))).toEqual([
      '6:50 UNDEFINED_NAME nothing is called "rate" here',
      '6:63 UNDEFINED_NAME nothing is called "result" here',
    ]);
  });

  test('the item and its index are known within its iterator only', () => {
    const each = (data: string) =>
      `name: a, type: foreach, itemsPath: pods, itemName: pod, iterator: { states: [{ ${inject('b', data)} }] }, next: c`;
    const text = workflow(each('"{{ pod.name }} {{ index }}"'), inject('c', '"{{ pod }}"'));
    expect(short(text)).toEqual(['6:40 UNDEFINED_NAME nothing is called "pod" here']);
  });

  test('a branch does not see what its sibling writes', () => {
    const branch = (name: string, data: string, path: string) =>
      `{ name: ${name}, states: [{ ${inject(`s_${name}`, data, `resultPath: ${path}, end: true`)} }] }`;
    const text = workflow(
      `name: a, type: parallel, branches: [${branch('left', '1', 'mine')}, ${branch('right', '"{{ mine }}"', 'yours')}], end: true`,
    );
    expect(issuesOf(text)).toMatchObject([
      { code: 'UNDEFINED_NAME', message: 'nothing is called "mine" here' },
    ]);
  });

  test('a key with a hyphen is told to be put in brackets', () => {
    const states = [
      inject('a', '1', 'resultPath: steps.check-nodes, next: b'),
      inject('b', '"{{ steps.check-nodes }}"'),
    ];
    expect(issuesOf(workflow(...states))).toMatchObject([
      { code: 'UNDEFINED_NAME', hint: 'write a key that has a hyphen in brackets: ["check-nodes"]' },
    ]);
  });

  test('scripts are read like expressions', () => {
    const text = `id: names\n${schema}start: a\nstates:\n  - name: a\n    type: transform\n    end: true\n    expression: |\n      def main(ctx):\n        return [p for p in ctx.pods if p.ok] + [podz]\n`;
    expect(short(text)).toEqual(['10:49 UNDEFINED_NAME nothing is called "podz" here']);
  });
});

describe('paths that are read', () => {
  test('a key that nothing writes is an error', () => {
    const states = [
      inject('a', '1', 'next: b'),
      'name: b, type: switch, dataPath: stpes.a, conditions: [{ if: "ctx.servce == 1", next: c }], defaultNext: c',
      inject('c', '"{{ input.sevice }} {{ run.started }} {{ steps.aa }}"'),
    ];
    expect(short(workflow(...states))).toEqual([
      '6:40 UNDEFINED_NAME nothing writes stpes.a',
      '6:69 UNDEFINED_NAME nothing writes servce',
      '7:40 UNDEFINED_NAME "input" has no field "sevice"',
      '7:59 UNDEFINED_NAME "run" has no field "started"',
      '7:77 UNDEFINED_NAME nothing writes steps.aa',
    ]);
  });

  test('with an open input it may come with the input, so it is a warning only where states write beside it', () => {
    const text =
      'id: w\nstart: a\nstates:\n  - { name: a, type: inject, data: 1, next: b }\n  - { name: b, type: inject, data: "{{ steps.aa }} {{ other.b }}", end: true }\n';
    expect(issuesOf(text)).toMatchObject([
      { code: 'NAME_MAY_BE_ABSENT', hint: 'did you mean "steps.a"?', line: 5, column: 40 },
    ]);
  });

  test('what is written on one way only is a warning that shows another way', () => {
    const states = [
      'name: a, type: switch, conditions: [{ if: service == "x", next: b }], defaultNext: c',
      inject('b', '1', 'next: d'),
      inject('c', '1', 'next: d'),
      inject('d', '"{{ steps.b }}"', 'next: e'),
      inject('e', '"{{ steps.d }}"'),
    ];
    expect(short(workflow(...states))).toEqual([
      '8:40 NAME_MAY_BE_ABSENT steps.b may be absent: nothing writes it on the way a → c → d',
    ]);
  });

  test('asking first is no warning', () => {
    const states = [
      'name: a, type: switch, conditions: [{ if: service == "x", next: b }], defaultNext: c',
      inject('b', '1', 'next: c'),
      inject('c', "\"{{ steps.b if hasattr(ctx, 'steps') else 0 }} {{ ctx.get('steps', {}).get('b') }}\""),
    ];
    expect(issuesOf(workflow(...states))).toEqual([]);
  });

  test('an optional step and a caught error promise nothing', () => {
    const step = (rest: string) =>
      `name: a, type: operation, action: agent.run, input: { agent: x }, ${rest}`;
    const read = inject('b', '"{{ steps.a }}"');
    expect(issuesOf(workflow(step('next: b'), read))).toEqual([]);
    expect(issuesOf(workflow(step('optional: true, next: b'), read))).toMatchObject([
      { code: 'NAME_MAY_BE_ABSENT' },
    ]);
    expect(issuesOf(workflow(step('catch: [{ errors: ["*"], next: b }], next: b'), read))).toMatchObject([
      { code: 'NAME_MAY_BE_ABSENT' },
    ]);
  });

  test('within a branch what was written before the fork is there', () => {
    const fork = (data: string) =>
      `name: b, type: parallel, branches: [{ name: one, states: [{ ${inject('inner', data)} }] }], next: c`;
    const text = workflow(
      inject('a', '1', 'next: b'),
      fork('"{{ steps.a }}"'),
      inject('c', '"{{ steps.b.one.steps.inner }}"'),
    );
    expect(issuesOf(text)).toEqual([]);
  });

  test('fields of what a state writes are known where the definition says them', () => {
    const branch = (name: string) =>
      `{ name: ${name}, states: [{ ${inject('inner', '{ rate: 1 }', 'resultPath: out, end: true')} }] }`;
    const states = [
      inject(
        'a',
        '{ limits: { high: 1, list: [{ n: 1 }] }, other: "{{ service }}" }',
        'resultPath: config, next: b',
      ),
      `name: b, type: parallel, branches: [${branch('left')}], next: c`,
      `name: c, type: foreach, itemsPath: pods, iterator: { states: [{ ${inject('inner', '1')} }], output: { n: 1 } }, next: d`,
      'name: d, type: operation, action: human.approval, input: { message: Go? }, timeoutSeconds: 1, next: e',
    ];
    const read = (expression: string) => short(workflow(...states, inject('e', `'{{ ${expression} }}'`)));
    for (const right of [
      'config.limits.high',
      'config.limits.list[0].n',
      'config.other',
      'steps.b.left.out.rate',
      'steps.c[0].n',
      'steps.d.approved',
      'steps.d.data.anything',
      'config.limits.keys()',
    ]) {
      expect([right, read(right)]).toEqual([right, []]);
    }
    for (const [wrong, message] of [
      ['config.limts.high', 'config has no field "limts"'],
      ['config.limits.high.x', 'config.limits.high has no field "x"'],
      ['config.limits.list.n', 'config.limits.list has no field "n"'],
      [
        'config.other.x',
        'config.other, which the run\'s input gives, has no field "x", on the way a → b → c → d → e',
      ],
      ['steps.b.right.out', 'steps.b has no field "right"'],
      ['steps.b.left.result', 'steps.b.left has no field "result"'],
      ['steps.c.n', 'steps.c has no field "n"'],
      ['steps.c[0].m', 'steps.c[0] has no field "m"'],
      ['steps.d.aproved', 'steps.d has no field "aproved"'],
    ] as const) {
      expect([wrong, read(wrong)]).toEqual([wrong, [`9:40 UNDEFINED_NAME ${message}`]]);
    }
  });

  test('a path does not see the item of a foreach', () => {
    const inner =
      'name: in_each, type: foreach, itemsPath: pod.parts, iterator: { states: [{ name: x, type: inject, data: 1, end: true }] }, end: true';
    const text = workflow(
      `name: a, type: foreach, itemsPath: pods, itemName: pod, iterator: { states: [{ ${inner} }] }, end: true`,
    );
    expect(issuesOf(text)).toMatchObject([
      { code: 'UNDEFINED_NAME', hint: expect.stringContaining('inject') },
    ]);
  });

  test('the output of a workflow is read at its end', () => {
    const states = [
      'name: a, type: switch, conditions: [{ if: service == "x", next: b }], defaultNext: c',
      inject('b', '1'),
      inject('c', '1'),
    ];
    expect(short(`output: "{{ steps.b }}"\n${workflow(...states)}`)).toEqual([
      '1:13 NAME_MAY_BE_ABSENT steps.b may be absent: nothing writes it on the way a → c',
    ]);
  });
});
