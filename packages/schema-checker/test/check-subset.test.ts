import { describe, expect, test } from 'vitest';
import { checkSubset, type Json } from '../src/index.js';

type Row = [rule: string, a: Json, b: Json];

const contained: Row[] = [
  [
    'a schema is contained in itself',
    { type: 'object', required: ['a'] },
    { required: ['a'], type: 'object' },
  ],
  ['an integer is a number', { type: 'integer' }, { type: 'number' }],
  ['integers between two bounds', { type: 'integer', minimum: 1, maximum: 2 }, { enum: [1, 2] }],
  ['integers above a fraction', { type: 'integer', exclusiveMinimum: 0.5 }, { minimum: 1 }],
  ['multiples of six are multiples of three', { type: 'integer', multipleOf: 6 }, { multipleOf: 3 }],
  ['multiples of two and of three', { allOf: [{ multipleOf: 2 }, { multipleOf: 3 }] }, { multipleOf: 6 }],
  ['tenths are exact', { type: 'number', multipleOf: 0.1 }, { multipleOf: 0.01 }],
  ['a null is what is left', { type: ['string', 'null'], not: { type: 'string' } }, { const: null }],
  ['lengths count code points', { type: 'string', pattern: '^.$' }, { maxLength: 1 }],
  ['a pattern within a pattern', { type: 'string', pattern: '^[a-f]{2,4}$' }, { pattern: '^\\w+$' }],
  ['a pattern bounds a length', { type: 'string', pattern: '^ab?c?$' }, { minLength: 1, maxLength: 3 }],
  [
    'look-ahead after the start',
    { type: 'string', pattern: '^(?=.*\\d)[a-z0-9]{8,}$' },
    { pattern: '\\d', minLength: 8 },
  ],
  ['unprovable patterns of equal text', { pattern: '^(a+)\\1$', minLength: 2 }, { pattern: '^(a+)\\1$' }],
  ['formats of equal name', { type: 'string', format: 'anything' }, { format: 'anything' }],
  ['a uuid has its length', { type: 'string', format: 'uuid' }, { minLength: 36 }],
  ['a date is no e-mail address', { type: 'string', format: 'date' }, { not: { format: 'email' } }],
  ['required properties', { type: 'object', required: ['a', 'b'] }, { required: ['b'], minProperties: 2 }],
  [
    'closed objects may lack what is optional',
    { type: 'object', properties: { a: {} }, additionalProperties: false },
    { properties: { a: true, b: false } },
  ],
  [
    'pattern properties',
    { type: 'object', patternProperties: { '^ab': { type: 'integer' } } },
    { patternProperties: { '^abc$': { type: 'number' } } },
  ],
  ['property names', { type: 'object', propertyNames: { enum: ['a', 'b'] } }, { maxProperties: 2 }],
  [
    'dependencies chain',
    { type: 'object', dependencies: { a: ['b'], b: ['c'] } },
    { dependencies: { a: ['c'] } },
  ],
  [
    'a tuple',
    { type: 'array', items: [{ type: 'string' }, { type: 'integer' }], additionalItems: false },
    { items: { type: ['string', 'number'] }, maxItems: 2 },
  ],
  ['prefix items', { type: 'array', prefixItems: [{ const: 1 }], minItems: 1 }, { contains: { const: 1 } }],
  ['contains needs an item', { type: 'array', contains: { type: 'string' } }, { minItems: 1 }],
  ['min contains', { type: 'array', contains: { const: 1 }, minContains: 2 }, { minItems: 2 }],
  [
    'no duplicates among two values',
    { type: 'array', items: { type: 'boolean' }, uniqueItems: true },
    { maxItems: 2 },
  ],
  [
    'alternatives one by one',
    { anyOf: [{ type: 'string' }, { type: 'null' }] },
    { type: ['null', 'string'] },
  ],
  [
    'exactly one of disjoint alternatives',
    { anyOf: [{ type: 'string' }, { type: 'number' }] },
    { oneOf: [{ type: 'number' }, { type: 'string' }] },
  ],
  [
    'alternatives that cover together',
    { type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'] },
    { anyOf: [{ properties: { a: { const: true } } }, { properties: { a: { const: false } } }] },
  ],
  [
    'a condition is met on both branches',
    { type: 'string', if: { minLength: 5 }, else: { const: 'x' } },
    { minLength: 1 },
  ],
  [
    'unevaluated properties over all of',
    {
      type: 'object',
      allOf: [{ properties: { a: {} } }],
      properties: { b: {} },
      unevaluatedProperties: false,
    },
    { propertyNames: { enum: ['a', 'b'] } },
  ],
  [
    'recursion',
    {
      $ref: '#/$defs/t',
      $defs: {
        t: {
          type: 'object',
          properties: { n: { $ref: '#/$defs/t' }, v: { type: 'integer' } },
          required: ['v'],
        },
      },
    },
    {
      $ref: '#/definitions/u',
      definitions: {
        u: { type: 'object', properties: { v: { type: 'number' }, n: { $ref: '#/definitions/u' } } },
      },
    },
  ],
  [
    'what cannot end has no values',
    { type: 'object', required: ['next'], properties: { next: { $ref: '#' } } },
    false,
  ],
];

const refuted: [...Row, Json?][] = [
  ['a number is no integer', { type: 'number' }, { type: 'integer' }],
  ['a bound that is excluded', { type: 'number', minimum: 1 }, { exclusiveMinimum: 1 }, 1],
  ['multiples of two are not all multiples of four', { type: 'integer', multipleOf: 2 }, { multipleOf: 4 }],
  ['the dot does not match line ends', { type: 'string', minLength: 1 }, { pattern: '.' }],
  ['a pattern that is not anchored', { type: 'string', pattern: 'a' }, { pattern: '^a' }],
  ['a date-time is no date', { type: 'string', format: 'date-time' }, { format: 'date' }],
  [
    'a format that nobody knows does not hide a wrong type',
    { type: 'string', format: 'anything' },
    { type: 'number' },
  ],
  ['an optional property', { type: 'object', properties: { a: {} } }, { required: ['a'] }, {}],
  [
    'an open object may hold anything else',
    { type: 'object', properties: { a: {} } },
    { additionalProperties: false, properties: { a: {} } },
  ],
  ['duplicates', { type: 'array', items: { const: 1 } }, { uniqueItems: true }, [1, 1]],
  ['items after a tuple', { type: 'array', items: [{ type: 'string' }] }, { items: { type: 'string' } }],
  ['both of one of', { type: 'integer' }, { oneOf: [{ minimum: 0 }, { maximum: 0 }] }, 0],
  [
    'a different constant object',
    { type: 'object', required: ['a'], properties: { a: { enum: [1, 2] } } },
    { const: { a: 1 } },
  ],
  [
    'a deep member',
    {
      type: 'array',
      minItems: 1,
      items: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } },
    },
    { items: { properties: { a: { minLength: 1 } } } },
    [{ a: '' }],
  ],
  [
    'max contains',
    { type: 'array', items: { const: 1 } },
    { contains: { const: 1 }, minContains: 0, maxContains: 2 },
    [1, 1, 1],
  ],
  [
    'unevaluated properties',
    { type: 'object' },
    { allOf: [{ properties: { a: {} } }], unevaluatedProperties: false },
  ],
];

describe('what is contained is proved', () => {
  test.each(contained)('%s', (_, a, b) => {
    expect(checkSubset(a, b)).toEqual({ verdict: 'compatible', reasons: [] });
  });
});

describe('what is not contained is shown by a value', () => {
  test.each(refuted)('%s', (_, a, b, value) => {
    const result = checkSubset(a, b);
    expect(result.verdict).toBe('incompatible');
    if (value !== undefined) expect(result).toMatchObject({ counterexample: value });
  });
});

test('a union of two dozen tagged variants is proved variant by variant', () => {
  const variant = (index: number, type: string): Json => ({
    type: 'object',
    properties: {
      kind: { const: `k${index}` },
      a: { type },
      b: { type },
      c: { type },
      [`own${index}`]: { type },
    },
    required: ['kind', 'a', `own${index}`],
  });
  const union = (type: string) => Array.from({ length: 24 }, (_, index) => variant(index, type));
  expect(checkSubset({ oneOf: union('integer') }, { oneOf: union('number') }).verdict).toBe('compatible');
  expect(checkSubset({ anyOf: union('integer') }, { anyOf: union('number').slice(1) }).verdict).toBe(
    'incompatible',
  );
});

describe('the second validator', () => {
  test('a counterexample that it does not confirm is not shown', () => {
    expect(checkSubset({ type: 'number' }, { type: 'string' }, { validate: () => true }).verdict).toBe(
      'unknown',
    );
  });

  test('a counterexample that it confirms is shown', () => {
    const validate = (schema: Json, value: Json) => JSON.stringify(schema).includes(typeof value);
    expect(checkSubset({ type: 'number' }, { type: 'string' }, { validate }).verdict).toBe('incompatible');
  });
});

describe('dialects', () => {
  test('the option overrides what the schemas say', () => {
    const a: Json = { type: 'array', prefixItems: [{ type: 'string' }] };
    const b: Json = { items: { type: 'string' } };
    expect(checkSubset(a, { ...b, maxItems: 1 }, { dialect: 'draft-07' }).verdict).toBe('incompatible');
    expect(checkSubset({ ...a, maxItems: 1 } as Json, b, { dialect: '2020-12' }).verdict).toBe('compatible');
  });

  test('a dialect that is not supported is unknown', () => {
    expect(checkSubset({ $schema: 'http://json-schema.org/draft-04/schema#' }, false).verdict).toBe(
      'unknown',
    );
  });
});
