import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkSubset, isValid, type Json, schemaAtPath } from '../src/index.js';

function nested(depth: number, wrap: (inner: Json) => Json): Json {
  let schema: Json = { type: 'string' };
  for (let i = 0; i < depth; i += 1) schema = wrap(schema);
  return schema;
}

function doubling(keyword: string, levels: number): Json {
  const definitions: { [key: string]: Json } = { d0: { type: 'string', minLength: 3 } };
  for (let i = 1; i <= levels; i += 1) {
    const below: Json = { $ref: `#/definitions/d${i - 1}` };
    definitions[`d${i}`] = { [keyword]: [below, { allOf: [below, { maxLength: 100 + i }] }] };
  }
  return { $ref: `#/definitions/d${levels}`, definitions };
}

function manyChoices(count: number): Json {
  return {
    type: 'object',
    allOf: Array.from(
      { length: count },
      (_, i): Json => ({
        oneOf: [
          { properties: { [`p${i}`]: { minLength: 2 } } },
          { required: [`p${i + 1}`, `q${i}`] },
          { properties: { [`q${i}`]: { multipleOf: i + 2 } } },
        ],
      }),
    ),
  };
}

const cyclic: { [key: string]: Json } = { type: 'object' };
cyclic.properties = { self: cyclic };

const longChain: { [key: string]: Json } = {};
for (let i = 0; i < 5_000; i += 1) longChain[`c${i}`] = { $ref: `#/definitions/c${i + 1}` };
longChain.c5000 = { type: 'string' };

const hostile: Record<string, Json> = {
  'anyOf nested a thousand deep': nested(1_000, (inner) => ({ anyOf: [inner, { type: 'number' }] })),
  'anyOf nested ninety deep': nested(90, (inner) => ({ anyOf: [inner, { type: 'number' }] })),
  'not nested ninety deep': nested(90, (inner) => ({ not: inner })),
  'oneOf that doubles at each of forty levels': doubling('oneOf', 40),
  'anyOf that doubles at each of forty levels': doubling('anyOf', 40),
  'allOf that doubles at each of forty levels': doubling('allOf', 40),
  'sixty choices of three': manyChoices(60),
  'a reference to itself': { $ref: '#' },
  'a reference to itself under not': { not: { $ref: '#' } },
  'references in a circle': {
    $ref: '#/definitions/a',
    definitions: { a: { $ref: '#/definitions/b' }, b: { allOf: [{ $ref: '#/definitions/a' }] } },
  },
  'a chain of five thousand references': { $ref: '#/definitions/c0', definitions: longChain },
  'a value without end': { type: 'object', required: ['next'], properties: { next: { $ref: '#' } } },
  'an enum of twenty thousand strings': { enum: Array.from({ length: 20_000 }, (_, i) => `value ${i}`) },
  'an enum of twenty thousand objects': { enum: Array.from({ length: 20_000 }, (_, i) => ({ id: i })) },
  'minItems of a billion': { type: 'array', minItems: 1e9 },
  'unique items by the million': {
    type: 'array',
    uniqueItems: true,
    minItems: 1e6,
    items: { type: 'integer' },
  },
  'minProperties of a billion': { type: 'object', minProperties: 1e9 },
  'minLength of a billion': { type: 'string', minLength: 1e9 },
  'minContains of a billion': { type: 'array', contains: { type: 'string' }, minContains: 1e9 },
  'a pattern that backtracks for ever': { type: 'string', pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' },
  'a pattern of nested stars': { type: 'string', pattern: '^((a*)*)*b$', minLength: 40 },
  'a pattern with a large count': { type: 'string', pattern: '^(a{1000}){1000}$' },
  'a pattern whose automaton is exponential': {
    type: 'string',
    pattern: '(a|b)*a(a|b){24}$',
    maxLength: 300,
  },
  'a pattern with a back-reference': { type: 'string', pattern: '^(a+)\\1$' },
  'a pattern that is not a pattern': { type: 'string', pattern: '([' },
  'patterns by the dozen': {
    type: 'object',
    patternProperties: Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`^.{${i}}a`, { type: 'string' }]),
    ),
    minProperties: 3,
  },
  'a property called __proto__': JSON.parse(
    '{"type":"object","properties":{"__proto__":{"type":"string"}},"required":["__proto__"]}',
  ) as Json,
  'properties that objects inherit': {
    type: 'object',
    required: ['constructor', 'toString', 'hasOwnProperty'],
  },
  'a number beyond doubles': { type: 'number', multipleOf: 1e-300, minimum: 1e300 },
  'a step of a third of nothing': {
    type: 'integer',
    multipleOf: 0.000001,
    exclusiveMinimum: 1,
    exclusiveMaximum: 1.000001,
  },
  'a type that is a number': { type: 5 },
  'keywords of the wrong kind': JSON.parse(
    '{"properties":[],"items":7,"required":"a","enum":{},"allOf":{},"minLength":"x","$ref":4,"if":3,"then":[]}',
  ) as Json,
  'null where a schema should be': { properties: { a: null }, items: null, not: null, anyOf: [null] },
  'a schema that is a string': 'string',
  'a schema that is a list': [{ type: 'string' }],
  'a reference to nowhere': { $ref: '#/definitions/none' },
  'a reference with a broken escape': { $ref: '#/definitions/%E0%A4%A' },
  'a reference to another document': { $ref: 'https://example.com/schema.json' },
  'a dialect that is not supported': { $schema: 'http://json-schema.org/draft-03/schema#', type: 'string' },
  'an object that contains itself': cyclic,
};

const others: Json[] = [
  true,
  false,
  { type: 'string' },
  { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
];

/** Steps, not seconds: the same on every machine. */
const maxSteps = 100_000;

describe('hostile schemas end in an answer', () => {
  test.each(Object.entries(hostile))('%s', (_, schema) => {
    const verdicts = others.flatMap((other) => [
      checkSubset(schema, other, { maxSteps }).verdict,
      checkSubset(other, schema, { maxSteps }).verdict,
    ]);
    verdicts.push(checkSubset(schema, schema, { maxSteps }).verdict);
    for (const verdict of verdicts) expect(['compatible', 'incompatible', 'unknown']).toContain(verdict);
    expect(verdicts[0], 'everything is allowed by `true`').not.toBe('incompatible');
    expect(['valid', 'invalid', 'unknown']).toContain(isValid(schema, { a: ['x', { b: 1 }] }, { maxSteps }));
    expect(typeof schemaAtPath(schema, ['a', 0, '__proto__'], { maxSteps }).known).toBe('boolean');
  });

  test('pairs of hostile schemas end in an answer', () => {
    const schemas = Object.values(hostile);
    for (const [i, a] of schemas.entries()) {
      const b = schemas[(i * 7 + 3) % schemas.length] ?? true;
      expect(['compatible', 'incompatible', 'unknown']).toContain(
        checkSubset(a, b, { maxSteps: 50_000 }).verdict,
      );
    }
  });

  test('a malformed keyword never lets a proof through', () => {
    expect(checkSubset({ type: 'string' }, { type: 5 }).verdict).toBe('unknown');
    expect(checkSubset({ type: 'string' }, { $ref: '#/definitions/none' }).verdict).toBe('unknown');
    expect(checkSubset({ type: 'string' }, { pattern: '([' }).verdict).toBe('unknown');
    expect(checkSubset({ type: 'string' }, { format: 'no such format' }).verdict).toBe('unknown');
    expect(checkSubset({ type: 'string' }, { pattern: '^(a+)\\1$' }).verdict).toBe('unknown');
  });

  test('any JSON at all is an acceptable argument', () => {
    const keywords = [
      'type',
      'properties',
      'items',
      'anyOf',
      'not',
      '$ref',
      'required',
      'enum',
      'pattern',
      'format',
      '$defs',
      'if',
      'minItems',
    ];
    const schemaLike = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.jsonValue() as fc.Arbitrary<Json>,
        fc.constantFrom<Json>('string', '#', '#/$defs/a', 'object', ['a']),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...keywords), tie('value'), {
          maxKeys: 4,
          noNullPrototype: true,
        }) as fc.Arbitrary<Json>,
      ),
    })).value;
    fc.assert(
      fc.property(schemaLike, schemaLike, (a, b) => {
        expect(['compatible', 'incompatible', 'unknown']).toContain(
          checkSubset(a, b, { maxSteps: 50_000 }).verdict,
        );
      }),
      { numRuns: 2_000, seed: 7 },
    );
  });

  test('what is not JSON is unknown', () => {
    for (const value of [undefined, () => 1, 1n, Number.NaN, new Date(0), new Map()]) {
      expect(checkSubset(value as unknown as Json, true).verdict).toBe('unknown');
      expect(
        checkSubset({ properties: { a: { const: value } } } as Json, { type: 'string' }).verdict,
      ).not.toBe('compatible');
    }
  });

  test('a limit on steps is kept', () => {
    expect(checkSubset({ type: 'string' }, { type: 'string' }, { maxSteps: 1 }).verdict).toBe('unknown');
  });
});
