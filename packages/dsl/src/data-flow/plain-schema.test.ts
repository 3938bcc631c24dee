/** The quick answers are those of the checker. */
import { checkSubset, schemaAtPath } from '@signalbox/schema-checker';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { objectSchemas, widerThan } from '../../test/schema-arbitraries.js';
import { fitsPlainly, plainFieldOf } from './plain-schema.js';

type CheckerJson = Parameters<typeof checkSubset>[0];

test('what fits plainly is compatible', () => {
  let fittingCount = 0;
  const pairs = objectSchemas.chain((a) => fc.tuple(fc.constant(a), fc.oneof(widerThan(a), objectSchemas)));
  fc.assert(
    fc.property(pairs, ([a, b]) => {
      if (!fitsPlainly(a, b)) return;
      fittingCount++;
      expect(checkSubset(a as CheckerJson, b as CheckerJson).verdict).toBe('compatible');
    }),
    { numRuns: 500 },
  );
  expect(fittingCount).toBeGreaterThan(20);
});

test.each([
  ['null beside the type', { type: 'string', nullable: true }, { type: 'string' }],
  [
    'fields by pattern',
    { type: 'object', additionalProperties: false, patternProperties: { x: {} } },
    { type: 'object', properties: { x: { type: 'string' } } },
  ],
  [
    'a tuple',
    { type: 'array', prefixItems: [{}], items: { type: 'string' } },
    { type: 'array', items: { type: 'string' } },
  ],
  ['any type', { properties: { a: { type: 'string' } }, required: ['a'] }, { type: 'object' }],
  ['an enum', { enum: ['a'] }, { type: 'string' }],
  ['another keyword of the receiver', { type: 'string' }, { type: 'string', minLength: 1 }],
])('%s is left to the checker', (_, a, b) => {
  expect(fitsPlainly(a, b)).toBe(false);
});

test('a field is found as the checker finds it', () => {
  const sound = fc.property(objectSchemas, fc.constantFrom('a', 'b', 'c', 'd', 'toString'), (schema, key) => {
    const plain = plainFieldOf(schema, key);
    const { known, ...found } = schemaAtPath(schema as CheckerJson, [key]) as unknown as {
      known: boolean;
      schema: unknown;
      mayBeAbsent: boolean;
      isDeclared: boolean;
    };
    expect(known).toBe(true);
    expect(plain).toEqual({
      schema: found.schema,
      isRequired: !found.mayBeAbsent,
      isDeclared: found.isDeclared,
    });
  });
  fc.assert(sound, { numRuns: 200 });
});
