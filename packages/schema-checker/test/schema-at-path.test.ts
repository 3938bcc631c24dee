import { describe, expect, test } from 'vitest';
import { checkSubset, isValid, type Json, schemaAtPath } from '../src/index.js';

const closed: Json = {
  type: 'object',
  properties: { a: { type: 'string' } },
  required: ['a'],
  additionalProperties: false,
};

describe('schemaAtPath', () => {
  test('the empty path is the schema itself', () => {
    expect(schemaAtPath(closed, [])).toEqual({
      known: true,
      schema: closed,
      mayBeAbsent: false,
      isDeclared: true,
    });
  });

  test.each<[string, Json, (string | number)[], object]>([
    [
      'a required property',
      closed,
      ['a'],
      { schema: { type: 'string' }, mayBeAbsent: false, isDeclared: true },
    ],
    [
      'a property that is not allowed',
      closed,
      ['b'],
      { schema: false, mayBeAbsent: true, isDeclared: false },
    ],
    [
      'an optional property',
      { type: 'object', properties: { a: { const: 1 } } },
      ['a'],
      { schema: { const: 1 }, mayBeAbsent: true },
    ],
    [
      'a property that is not declared',
      { type: 'object' },
      ['a'],
      { schema: true, mayBeAbsent: true, isDeclared: false },
    ],
    [
      'additional properties',
      { type: 'object', additionalProperties: { type: 'null' } },
      ['a'],
      { schema: { type: 'null' }, isDeclared: false },
    ],
    [
      'pattern properties',
      { type: 'object', patternProperties: { '^a': { type: 'null' } } },
      ['ab'],
      { schema: { type: 'null' }, isDeclared: true },
    ],
    [
      'a required property where the value may be no object',
      { properties: { a: {} }, required: ['a'] },
      ['a'],
      { mayBeAbsent: true },
    ],
    [
      'an item',
      { type: 'array', items: { type: 'string' } },
      [0],
      { schema: { type: 'string' }, mayBeAbsent: true },
    ],
    [
      'an item within minItems',
      { type: 'array', items: { type: 'string' }, minItems: 2 },
      [1],
      { mayBeAbsent: false },
    ],
    [
      'an item of a tuple',
      { type: 'array', items: [{ const: 1 }, { const: 2 }] },
      [1],
      { schema: { const: 2 } },
    ],
    [
      'prefix items',
      { type: 'array', prefixItems: [{ const: 1 }], items: { const: 2 } },
      [3],
      { schema: { const: 2 } },
    ],
    [
      'a member of an enum',
      { enum: [{ a: 1 }, { a: 2 }] },
      ['a'],
      { schema: { enum: [1, 2] }, mayBeAbsent: false },
    ],
    ['a member of a string', { type: 'string' }, ['length'], { schema: false, mayBeAbsent: true }],
    ['an inherited name', { type: 'object' }, ['constructor'], { schema: true, isDeclared: false }],
  ])('%s', (_, schema, path, expected) => {
    expect(schemaAtPath(schema, path)).toMatchObject({ known: true, ...expected });
  });

  test('all of and any of are followed, and absence is proved across them', () => {
    const schema: Json = {
      type: 'object',
      allOf: [{ required: ['a'] }],
      properties: {
        a: { anyOf: [closed, { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] }] },
      },
    };
    expect(schemaAtPath(schema, ['a', 'a'])).toEqual({
      known: true,
      schema: { anyOf: [{ type: 'string' }, { type: 'number' }] },
      mayBeAbsent: false,
      isDeclared: true,
    });
  });

  test.each<[string, Json]>([
    [
      'definitions',
      {
        type: 'object',
        properties: { t: { $ref: '#/definitions/t' } },
        definitions: {
          t: { type: 'object', properties: { n: { $ref: '#/definitions/t' }, v: { type: 'integer' } } },
        },
      },
    ],
    [
      'the root',
      { type: 'object', properties: { t: { $ref: '#' }, n: { $ref: '#' }, v: { type: 'integer' } } },
    ],
  ])('a schema with references to %s stands on its own', (_, schema) => {
    const found = schemaAtPath(schema, ['t', 'n']);
    expect(found.known).toBe(true);
    const part = found.known ? found.schema : false;
    expect(isValid(part, { n: { n: { v: 1 } } })).toBe('valid');
    expect(isValid(part, { n: { n: { v: 'x' } } })).toBe('invalid');
    expect(checkSubset(part, { properties: { n: { properties: { v: { type: 'number' } } } } }).verdict).toBe(
      'compatible',
    );
  });

  test('an unreadable schema is not known', () => {
    expect(schemaAtPath({ $ref: '#/nowhere' }, ['a']).known).toBe(false);
    expect(schemaAtPath({ $schema: 'http://json-schema.org/draft-03/schema#' }, ['a']).known).toBe(false);
  });
});

describe('isValid', () => {
  test.each<[string, Json, Json, string]>([
    ['lengths count code points', { maxLength: 1 }, '😀', 'valid'],
    ['1.0 is an integer', { type: 'integer' }, 1.0, 'valid'],
    [
      'equal objects are duplicates in any order',
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      'invalid',
    ],
    ['a multiple on which floats and decimals differ', { multipleOf: 0.1 }, 0.3, 'unknown'],
    ['a leap day', { format: 'date' }, '2023-02-29', 'invalid'],
    ['a leap second', { format: 'time' }, '23:59:60Z', 'valid'],
    ['a format that is not known', { format: 'colour' }, 'red', 'unknown'],
    ['a format of numbers', { format: 'int32' }, 2 ** 31, 'invalid'],
    ['a pattern that cannot be run safely', { pattern: '(a+)\\1' }, 'aa', 'unknown'],
    ['a pattern that backtracks elsewhere', { pattern: '^(a+)+$' }, `${'a'.repeat(5_000)}b`, 'invalid'],
    ['nullable', { type: 'string', nullable: true }, null, 'valid'],
    [
      'keywords beside a reference',
      { definitions: { a: {} }, $ref: '#/definitions/a', type: 'string' },
      1,
      'invalid',
    ],
  ])('%s', (_, schema, value, expected) => {
    expect(isValid(schema, value)).toBe(expected);
  });
});
