import { expect, test } from 'vitest';
import { checkSubset, type Json } from '../src/index.js';

function reasonsOf(a: Json, b: Json) {
  return checkSubset(a, b).reasons.map(({ kind, path, message }) => ({ kind, path, message }));
}

const object = (properties: Json, ...required: string[]): Json => ({ type: 'object', properties, required });

test('a wrong type is told with both types', () => {
  expect(
    reasonsOf(
      object({ error_rate: { type: 'string' } }, 'error_rate'),
      object({ error_rate: { type: 'number' } }),
    ),
  ).toEqual([{ kind: 'type', path: '/error_rate', message: 'may be a string, but number is required' }]);
});

test('a required property that is declared but optional is told apart from one that is never declared', () => {
  const a = object({ service: { type: 'string' } });
  expect(reasonsOf(a, { type: 'object', required: ['service', 'namespace'] })).toEqual([
    {
      kind: 'optional_property',
      path: '',
      message: 'required property `service` may be missing: it is declared, but not required',
    },
    {
      kind: 'missing_property',
      path: '',
      message: 'required property `namespace` may be missing: it is not declared',
    },
  ]);
});

test('declared is also what a reference or an alternative declares', () => {
  const a: Json = {
    anyOf: [{ $ref: '#/definitions/x' }, object({})],
    definitions: { x: object({ deep: object({ id: {} }) }, 'deep') },
  };
  expect(
    reasonsOf(a, { type: 'object', properties: { deep: { type: 'object', required: ['id'] } } }),
  ).toContainEqual(expect.objectContaining({ kind: 'optional_property', path: '/deep' }));
});

test('every failing place is told, with the demand and a value that breaks it', () => {
  const a = object(
    {
      n: { type: 'integer' },
      s: { type: 'string' },
      l: { type: 'array', items: { type: ['string', 'null'] } },
    },
    'n',
    's',
    'l',
  );
  const b = object({ n: { minimum: 1 }, s: { enum: ['a', 'b'] }, l: { items: { type: 'string' } } });
  expect(checkSubset(a, b).reasons).toEqual([
    { kind: 'range', path: '/n', message: 'may be 0, but at least 1 is required', expected: 1, actual: 0 },
    expect.objectContaining({ kind: 'enum', path: '/s', expected: ['a', 'b'] }),
    {
      kind: 'type',
      path: '/l/0',
      message: 'may be null, but string is required',
      expected: 'string',
      actual: null,
    },
  ]);
});

test('a property that is not allowed is named', () => {
  const b: Json = { type: 'object', properties: { a: {} }, additionalProperties: false };
  expect(reasonsOf(object({ a: {}, email: {} }, 'email'), b)).toEqual([
    {
      kind: 'extra_property',
      path: '/email',
      message: 'property `email` may be present, but no such property is allowed',
    },
  ]);
});

test('demands behind references and all of are told at their place', () => {
  const b: Json = {
    $ref: '#/definitions/x',
    definitions: { x: { allOf: [{ properties: { a: { $ref: '#/definitions/y' } } }] }, y: { maxLength: 2 } },
  };
  expect(reasonsOf(object({ a: { type: 'string' } }), b)).toEqual([
    { kind: 'length', path: '/a', message: 'may be "aaa", but at most 2 characters are allowed' },
  ]);
});

test('alternatives are told as a whole', () => {
  expect(reasonsOf({ type: 'null' }, { anyOf: [{ type: 'string' }, { type: 'number' }] })).toEqual([
    {
      kind: 'alternatives',
      path: '',
      message: 'may be null, but none of the allowed alternatives (`anyOf`) takes it',
    },
  ]);
});

test('a recursive schema gives each reason once', () => {
  const tree = (value: Json): Json => ({
    type: 'object',
    required: ['v'],
    properties: { v: value, kids: { type: 'array', items: { $ref: '#' } } },
  });
  expect(
    reasonsOf(tree({ type: 'number' }), tree({ type: 'integer' })).filter(({ kind }) => kind === 'type'),
  ).toHaveLength(1);
});

test('an unknown verdict says why', () => {
  expect(checkSubset({ type: 'string' }, { pattern: '(?<=a)b' })).toEqual({
    verdict: 'unknown',
    reasons: [{ kind: 'undecided', path: '', message: 'a pattern or format is outside what can be decided' }],
  });
});

test('the number of reasons is limited', () => {
  const names = Array.from({ length: 30 }, (_, i) => `p${i}`);
  expect(checkSubset({ type: 'object' }, { required: names }).reasons).toHaveLength(20);
  expect(checkSubset({ type: 'object' }, { required: names }, { maxReasons: 3 }).reasons).toHaveLength(3);
});
