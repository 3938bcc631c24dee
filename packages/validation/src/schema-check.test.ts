import type { Json } from '@signalbox/engine';
import { expect, test } from 'vitest';
import { createSchemaCheck } from './schema-check.js';
import { schemaTooLarge } from './schema-work.js';

const { check } = createSchemaCheck();
const pods: Json = {
  type: 'object',
  properties: { total: { type: 'integer' }, names: { type: 'array', items: { type: 'string' } } },
  required: ['total', 'names'],
};

test('a value that keeps its schema is valid', () => {
  expect(check(pods, { total: 2, names: ['a', 'b'] })).toEqual({ kind: 'valid' });
});

test('every violation is named with its place', () => {
  const verdict = check(pods, { total: 'two', names: [1] });
  expect(verdict.kind).toBe('violated');
  const text = verdict.kind === 'violated' ? verdict.violations.join('\n') : '';
  expect(text).toContain('/total must be integer');
  expect(text).toContain('/names/0 must be string');
});

test('many violations are counted instead of listed', () => {
  const names = Array.from({ length: 100 }, (_, index) => index);
  const verdict = check(pods, { total: 1, names });
  expect(verdict.kind === 'violated' ? verdict.violations.at(-1) : '').toBe('and 95 more');
});

test('a value and its own schema may be true, false or null', () => {
  expect(check(true, null)).toEqual({ kind: 'valid' });
  expect(check(false, null).kind).toBe('violated');
  expect(check({ type: 'null' }, null)).toEqual({ kind: 'valid' });
});

test.each([
  ['draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] }],
  ['2020-12', { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ type: 'string' }] }],
  ['no dialect, 2020-12 keywords', { prefixItems: [{ type: 'string' }] }],
  ['no dialect, draft-07 keywords', { items: [{ type: 'string' }], additionalItems: false }],
] satisfies [string, Json][])('tuples are checked in %s', (_dialect, schema) => {
  expect(check(schema, ['a']).kind).toBe('valid');
  expect(check(schema, [1]).kind).toBe('violated');
});

test('formats are checked', () => {
  expect(check({ type: 'string', format: 'date-time' }, 'yesterday').kind).toBe('violated');
});

test('two schemas may have the same $id', () => {
  expect(check({ $id: 'urn:signalbox:x', type: 'string' }, 'a').kind).toBe('valid');
  expect(check({ $id: 'urn:signalbox:x', type: 'number' }, 'a').kind).toBe('violated');
});

test.each([
  ['is no schema', 'text'],
  ['has an unknown type', { type: 'pod' }],
  ['refers to something outside', { $ref: 'https://example.com/schema.json' }],
  ['has a pattern that is no pattern', { type: 'string', pattern: '(' }],
] satisfies [string, Json][])('a schema that %s is unusable, with a reason', (_what, schema) => {
  const verdict = check(schema, 'x');
  expect(verdict.kind).toBe('unusable');
  expect(verdict.kind === 'unusable' ? verdict.reason : '').not.toBe('');
});

const many = (count: number, of: (index: number) => Json): Json[] =>
  Array.from({ length: count }, (_, index) => of(index));
const properties = (count: number, of: (index: number) => Json): Json => ({
  properties: Object.fromEntries(many(count, of).map((schema, index) => [`p${index}`, schema])),
});
const nested = (depth: number): Json => {
  let schema: Json = {};
  for (let level = 0; level < depth; level += 1) schema = { items: schema };
  return schema;
};

test.each([
  ['properties', 6_600, 6_700, (count) => properties(count, () => ({ type: 'string', title: 't' }))],
  [
    'branches of which one must hold',
    1_790,
    1_850,
    (count) => ({ oneOf: many(count, (index) => ({ const: index })) }),
  ],
  ['patterns', 600, 1_000, (count) => properties(count, (index) => ({ pattern: `^a${index}$` }))],
  [
    'branches to collect properties from',
    950,
    1_100,
    (count) => ({
      unevaluatedProperties: false,
      allOf: many(count, (index) => properties(1, () => ({ const: index }))),
    }),
  ],
  ['levels', 200, 201, nested],
] satisfies [string, number, number, (count: number) => Json][])(
  'how much %s a schema may have is counted in it, and takes no time to say',
  (_what, taken, refused, of) => {
    // No time at all to compile: what is refused is refused without trying.
    const hurried = createSchemaCheck({ maxCompileMs: 1 });
    expect(schemaTooLarge(of(taken))).toBeUndefined();
    expect(hurried.problemOf(of(refused))?.message).toMatch(/the limit is \d+$/);
    expect(hurried.check(of(refused), {}).kind).toBe('unusable');
  },
);

test('a schema of nearly all the work that one may be is usable', () => {
  expect(
    createSchemaCheck().problemOf(properties(6_600, () => ({ type: 'string', title: 't' }))),
  ).toBeUndefined();
});

test('what a schema lists as data costs no work to compile', () => {
  expect(schemaTooLarge({ enum: many(60_000, (index) => index) })).toBeUndefined();
  expect(schemaTooLarge({ required: many(60_000, (index) => `p${index}`) })).toBeUndefined();
});

test('a schema that refers to itself without end is unusable and hangs nothing', () => {
  expect(check({ $ref: '#' }, {}).kind).toBe('unusable');
});

test.each([
  ['a pattern', { type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}!`],
  ['the names of properties', { patternProperties: { '^(a+)+$': false } }, { [`${'a'.repeat(50_000)}!`]: 1 }],
  [
    'a large enum against many items',
    { items: { enum: Array.from({ length: 60_000 }, (_, index) => `value ${index}`) } },
    Array.from({ length: 60_000 }, () => 'value 59999'),
  ],
  [
    'unique objects',
    { uniqueItems: true },
    Array.from({ length: 50_000 }, (_, index) => ({ group: 'same', index })),
  ],
] satisfies [string, Json, Json][])(
  '%s: the check ends by itself, in time for what it is',
  (_what, schema, value) => {
    const patient = createSchemaCheck({ maxCheckMs: 10_000 });
    const verdict = patient.check(schema, value);
    expect(verdict.kind).toBe(typeof value === 'string' ? 'violated' : 'valid');
  },
);

test('equal items are named; order of keys does not make objects differ', () => {
  const verdict = check({ uniqueItems: true }, [{ a: 1, b: 2 }, 1, { b: 2, a: 1 }]);
  expect(verdict).toEqual({
    kind: 'violated',
    violations: ['the value must NOT have duplicate items (items ## 0 and 2 are identical)'],
  });
  expect(check({ uniqueItems: true }, [1, '1', true, 'true', null, [], {}]).kind).toBe('valid');
  expect(check({ uniqueItems: false }, [1, 1]).kind).toBe('valid');
});

test('an enum compares as JSON and names what it allows', () => {
  const schema: Json = { enum: [1, 'a', null, { a: [1, 2] }] };
  const allowed: Json[] = [1, 'a', null, { a: [1, 2] }];
  const others: Json[] = ['1', {}, { a: [2, 1] }, []];
  for (const value of allowed) expect(check(schema, value).kind).toBe('valid');
  for (const value of others) expect(check(schema, value).kind).toBe('violated');
  expect(check({ enum: ['x', 'y'] }, 'z')).toEqual({
    kind: 'violated',
    violations: ['the value must be equal to one of the allowed values: ["x","y"]'],
  });
  const many = { enum: Array.from({ length: 60_000 }, (_, index) => index) };
  const verdict = check(many, -1);
  expect(verdict.kind === 'violated' ? verdict.violations[0] : '').toMatch(/19\] and 59980 more$/);
});

test.each([
  ['(a)\\1', 'back-reference'],
  ['a(?=b)', 'look-ahead'],
])('the pattern %s is refused with its place and never read in another way', (pattern, reason) => {
  const { problemOf } = createSchemaCheck();
  const schema: Json = {
    properties: { 'a/b': { anyOf: [true, { patternProperties: { [pattern]: true } }] } },
  };
  expect(problemOf(schema)).toMatchObject({
    message: expect.stringContaining(reason),
    hint: expect.stringContaining('linear time'),
    path: ['properties', 'a/b', 'anyOf', 1, 'patternProperties', pattern],
  });
  expect(problemOf({ type: 'string', pattern })?.path).toEqual(['pattern']);
  expect(problemOf({ properties: { pattern: { const: pattern } }, default: { pattern } })).toBeUndefined();
});

test('compiled schemas beyond the limit are compiled again and give the same answer', () => {
  const small = createSchemaCheck({ maxCompiled: 2 }).check;
  const schemas: Json[] = [{ type: 'string' }, { type: 'number' }, { type: 'object' }];
  for (let round = 0; round < 2; round += 1) {
    expect(schemas.map((schema) => small(schema, 1).kind)).toEqual(['violated', 'valid', 'violated']);
  }
});
