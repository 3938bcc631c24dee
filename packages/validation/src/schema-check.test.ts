import type { Json } from '@signalbox/engine';
import { expect, test } from 'vitest';
import { createSchemaCheck } from './schema-check.js';

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

test('a schema that refers to itself without end is unusable and hangs nothing', () => {
  expect(check({ $ref: '#' }, {}).kind).toBe('unusable');
});

test('a pattern that backtracks for ever ends, and the next check works', () => {
  const hostile: Json = { type: 'string', pattern: '^(a+)+$' };
  expect(check(hostile, `${'a'.repeat(60)}!`)).toMatchObject({ kind: 'unusable' });
  expect(check(hostile, 'aaa')).toEqual({ kind: 'valid' });
});

test('compiled schemas beyond the limit are compiled again and give the same answer', () => {
  const small = createSchemaCheck({ maxCompiled: 2 }).check;
  const schemas: Json[] = [{ type: 'string' }, { type: 'number' }, { type: 'object' }];
  for (let round = 0; round < 2; round += 1) {
    expect(schemas.map((schema) => small(schema, 1).kind)).toEqual(['violated', 'valid', 'violated']);
  }
});
