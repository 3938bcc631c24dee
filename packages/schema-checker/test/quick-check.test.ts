import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createQuickCheck, type Json } from '../src/index.js';
import { compileWithAjv } from './ajv-oracle.js';

const quick = createQuickCheck();

test('a small valid value is found to be valid', () => {
  const schema: Json = {
    type: 'object',
    properties: { name: { type: 'string', pattern: '^[a-z]+$' }, count: { type: 'integer', minimum: 1 } },
    required: ['name'],
  };
  expect(quick(schema, { name: 'abc', count: 2 })).toBe(true);
  expect(quick(schema, { name: 'ABC' })).toBe(false);
  expect(quick(true, [1])).toBe(true);
  expect(quick(false, 1)).toBe(false);
});

const doubling = (levels: number): Json => ({
  $ref: '#/$defs/l0',
  $defs: Object.fromEntries(
    Array.from({ length: levels }, (_, level): [string, Json] => [
      `l${level}`,
      level === levels - 1
        ? { type: 'array' }
        : { allOf: [{ $ref: `#/$defs/l${level + 1}` }, { $ref: `#/$defs/l${level + 1}` }] },
    ]),
  ),
});

test.each([
  ['a long list', { type: 'array' }, Array.from({ length: 10_000 }, () => 1)],
  ['a long text', { pattern: '^a*$' }, 'a'.repeat(50_000)],
  ['a large enum', { enum: Array.from({ length: 60_000 }, (_, index) => index) }, 1],
  [
    'many values against an enum',
    { items: { enum: Array.from({ length: 1_000 }, (_, index) => index) } },
    Array(1_000).fill(999),
  ],
  ['references that double', doubling(40), []],
  ['a Unicode property', { pattern: '^\\p{L}$' }, 'a'],
  ['a schema that refers to itself without end', { $ref: '#' }, {}],
] satisfies [string, Json, Json][])(
  '%s is left to others, although it is valid or endless',
  (_what, schema, value) => {
    expect(quick(schema, value)).toBe(false);
  },
);

test('what it says is valid, ajv says is valid', () => {
  const scalar = fc.constantFrom<Json>(null, true, 0, 1, 1.5, -3, '', 'a', 'abc', '2026-01-01', '😀');
  const value = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), scalar, { maxKeys: 3 }),
  );
  const leaf = fc.constantFrom<Json>(
    { type: 'string' },
    { type: ['integer', 'null'] },
    { minLength: 2 },
    { pattern: '^[a-c]+$' },
    { format: 'date' },
    { format: 'unheard-of' },
    { enum: [1, 'a', null] },
    { const: 1.5 },
    { type: 'string', nullable: true },
    { minimum: 1 },
    { multipleOf: 0.5 },
    { uniqueItems: true },
    { required: ['a'] },
    { maxProperties: 1 },
    { patternProperties: { '^[ab]$': { type: 'string' } }, additionalProperties: false },
    { propertyNames: { maxLength: 1 } },
  );
  const schema = fc.oneof(
    leaf,
    fc
      .tuple(fc.constantFrom('allOf', 'anyOf', 'oneOf'), fc.array(leaf, { minLength: 1, maxLength: 3 }))
      .map(([keyword, parts]): Json => ({ [keyword]: parts })),
    leaf.map((not): Json => ({ not })),
    leaf.map((items): Json => ({ items })),
    fc.tuple(leaf, leaf).map(([a, b]): Json => ({ properties: { a }, additionalProperties: b })),
    fc
      .tuple(leaf, leaf, leaf)
      .map(
        (parts): Json =>
          Object.fromEntries(['if', 'then', 'else'].map((key, at) => [key, parts[at] ?? true])),
      ),
  );
  fc.assert(
    fc.property(schema, fc.array(value, { minLength: 5, maxLength: 5 }), (one, values) => {
      const validate = compileWithAjv(one, '2020-12');
      for (const each of values) if (quick(one, each)) expect(validate(each)).toBe(true);
    }),
    { numRuns: 400 },
  );
});
