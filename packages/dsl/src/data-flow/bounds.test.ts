/** Hostile schemas and flows end in findings, most often "not known" (the tests' own time limit is the bound). */
import type { Json } from '@signalbox/engine';
import { expect, test } from 'vitest';
import { definition, fields, findings, run, type State } from '../../test/agents.js';

const agents = {
  sends: { output: fields({ x: { type: 'string' } }) },
  takes: { input: fields({ x: { type: 'string', pattern: '^(a|b)*abb(a|b)*$' } }) },
};
const codesOf = (states: readonly State[], rest: State = {}) =>
  new Set(findings(definition(states, rest), { agents }).map(({ code }) => code));

const chain = (count: number, stateAt: (index: number, rest: State) => State): readonly State[] =>
  Array.from({ length: count }, (_, index) =>
    stateAt(index, index === count - 1 ? { end: true } : { next: `n${index + 1}` }),
  );
const take = (index: number, template: Json, rest: State) =>
  run(`n${index}`, 'takes', { variables: { x: template } }, rest);

test('200 signals, each with patterns of its own', () => {
  const schema = (index: number): Json =>
    fields({
      x: {
        anyOf: Array.from({ length: 12 }, (_, k) => ({
          type: 'string',
          pattern: `^(a|b|${index % 7})*a(a|b){${k + 3}}$`,
        })),
      },
    });
  const states = chain(400, (index, rest) =>
    index % 2 === 1
      ? take(index, `{{ steps.n${index - 1}.x }}`, rest)
      : { name: `n${index}`, type: 'signal', signal: 's', timeoutSeconds: 1, schema: schema(index), ...rest },
  );
  expect(codesOf(states)).toContain('SCHEMA_COMPATIBILITY');
});

test('500 states that write into one object, and as many that read it', () => {
  const states = chain(1000, (index, rest) =>
    index % 2 === 1
      ? take(index, '{{ all }}', rest)
      : { name: `n${index}`, type: 'inject', resultPath: `all.k${index}`, data: 1, ...rest },
  );
  expect(codesOf(states)).toEqual(new Set(['SCHEMA_COMPATIBILITY', 'SCHEMA_UNKNOWN']));
});

test('values that are handed on a thousand times', () => {
  const states = chain(1000, (index, rest) =>
    index === 999
      ? take(index, `{{ steps.n${index - 1}.x }}`, rest)
      : {
          name: `n${index}`,
          type: 'inject',
          data: { x: index === 0 ? 'abb' : `{{ steps.n${index - 1}.x }}` },
          ...rest,
        },
  );
  expect(codesOf(states)).toEqual(new Set());
});

test('values that double at each state', () => {
  const states = chain(300, (index, rest) =>
    index === 299
      ? take(index, `{{ steps.n${index - 1} }}`, rest)
      : {
          name: `n${index}`,
          type: 'inject',
          data: index === 0 ? 'a' : [`{{ steps.n${index - 1} }}`, `{{ steps.n${index - 1} }}`],
          ...rest,
        },
  );
  expect(codesOf(states)).toEqual(new Set(['SCHEMA_COMPATIBILITY']));
});

test('a value that is made of itself, in a circle', () => {
  const states: State[] = [
    { name: 'n0', type: 'inject', data: { x: '{{ steps.n1.x }}' }, next: 'n1' },
    { name: 'n1', type: 'inject', data: { x: '{{ steps.n0.x }}' }, next: 'n2' },
    take(2, '{{ steps.n1.x }}', { next: 'n0' }),
  ];
  expect(codesOf(states)).toContain('SCHEMA_UNKNOWN');
});

test('every state leads to many others, and all write the same', () => {
  const count = 150;
  const states = Array.from({ length: count }, (_, index): State[] => [
    {
      name: `n${index}`,
      type: 'switch',
      conditions: Array.from({ length: 40 }, (_unused, k) => ({
        if: 'True',
        next: `m${(index * 7 + k * 13) % count}`,
      })),
      defaultNext: `m${index}`,
    },
    run(
      `m${index}`,
      index % 2 === 0 ? 'sends' : 'takes',
      { variables: { x: '{{ found.x }}' } },
      {
        resultPath: 'found',
        next: `n${(index + 1) % count}`,
      },
    ),
  ]).flat();
  // Its circles alone are more findings than are kept.
  expect(codesOf(states)).toEqual(new Set(['CIRCULAR_TRANSITION']));
});

test('an input schema that refers to itself', () => {
  const node: Json = {
    type: 'object',
    properties: { left: { $ref: '#/$defs/node' }, right: { $ref: '#/$defs/node' }, x: {} },
    required: ['x'],
  };
  const inputSchema: Json = { $defs: { node }, $ref: '#/$defs/node' };
  const deep = `{{ input${'.left.right'.repeat(20)}.x }}`;
  expect(
    codesOf(
      chain(100, (index, rest) => take(index, index % 2 === 0 ? deep : '{{ input }}', rest)),
      { inputSchema },
    ),
  ).toEqual(new Set(['SCHEMA_COMPATIBILITY', 'SCHEMA_OPTIONAL_FIELD', 'SCHEMA_UNKNOWN']));
});
