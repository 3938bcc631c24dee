/**
 * Generators of schemas and of values that come near to satisfying them.
 */
import fc from 'fast-check';
import type { Dialect, Json } from '../src/index.js';
import { isJsonObject, type JsonObject, objectOf } from '../src/json.js';

const KEYS = ['a', 'b', 'ab', 'c'];
const PATTERNS = ['^a', 'b$', '^[ab]+$', '^a?b*$', '.', '^(ab|ba)$', '^[^a]*$', 'a{2,}', '^(?=.*a)[ab]*$'];
const FORMATS = ['date', 'email', 'uuid', 'ipv4', 'date-time', 'json-pointer'];
const key = fc.constantFrom(...KEYS);
const smallNumber = fc.oneof(fc.integer({ min: -4, max: 6 }), fc.constantFrom(0.5, 1.5, -0.5));
const smallCount = fc.integer({ min: 0, max: 4 });
const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    false,
    '',
    'a',
    'b',
    'ab',
    'ba',
    'aab',
    '2024-02-29',
    '1.2.3.4',
    'a@b.co',
  ),
  smallNumber,
);

export const anyValue: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(key, fc.constant('zz')), tie('value'), {
      maxKeys: 4,
      noNullPrototype: true,
    }) as fc.Arbitrary<Json>,
  ),
})).value;

function sometimes<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 3 });
}

function withoutAbsent(record: Record<string, unknown>): Json {
  return objectOf(Object.entries(record).filter(([, value]) => value !== undefined) as [string, Json][]);
}

function pick(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Json> {
  const optional = Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, sometimes(value)]),
  );
  return fc.record(optional).map(withoutAbsent);
}

function typed(type: Json, members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Json> {
  return fc
    .tuple(fc.boolean(), pick(members))
    .map(([hasType, schema]) => (hasType ? { type, ...(schema as JsonObject) } : schema));
}

const numberSchema = fc.constantFrom<Json>('number', 'integer').chain((type) =>
  typed(type, {
    minimum: smallNumber,
    maximum: smallNumber,
    exclusiveMinimum: smallNumber,
    exclusiveMaximum: smallNumber,
    multipleOf: fc.constantFrom(1, 2, 3, 0.5, 4),
  }),
);
const stringSchema = typed('string', {
  minLength: smallCount,
  maxLength: smallCount,
  pattern: fc.constantFrom(...PATTERNS),
  format: fc.constantFrom(...FORMATS),
});

function arraySchema(schema: fc.Arbitrary<Json>, dialect: Dialect): fc.Arbitrary<Json> {
  const list = fc.array(schema, { minLength: 1, maxLength: 2 });
  const common = { minItems: smallCount, maxItems: smallCount, uniqueItems: fc.boolean(), contains: schema };
  return typed(
    'array',
    dialect === '2020-12'
      ? {
          ...common,
          items: schema,
          prefixItems: list,
          minContains: smallCount,
          maxContains: smallCount,
          unevaluatedItems: schema,
        }
      : { ...common, items: fc.oneof(schema, list as fc.Arbitrary<Json>), additionalItems: schema },
  );
}

function objectSchema(schema: fc.Arbitrary<Json>, dialect: Dialect): fc.Arbitrary<Json> {
  const dependencies = fc.dictionary(key, fc.uniqueArray(key, { maxLength: 2 }), {
    maxKeys: 2,
    noNullPrototype: true,
  });
  const properties = fc.dictionary(key, schema, { maxKeys: 3, noNullPrototype: true });
  const required = fc.uniqueArray(key, { maxLength: 2 });
  const keywords: Record<string, fc.Arbitrary<unknown>> = {
    patternProperties: fc.dictionary(fc.constantFrom('^a', 'b', '^c$'), schema, {
      maxKeys: 2,
      noNullPrototype: true,
    }),
    additionalProperties: schema,
    propertyNames: stringSchema,
    minProperties: smallCount,
    maxProperties: smallCount,
  };
  if (dialect === '2020-12') {
    keywords.dependentRequired = dependencies;
    keywords.dependentSchemas = fc.dictionary(key, schema, { maxKeys: 1, noNullPrototype: true });
    keywords.unevaluatedProperties = schema;
  } else {
    keywords.dependencies = fc.oneof(
      dependencies,
      fc.dictionary(key, schema, { maxKeys: 1, noNullPrototype: true }),
    );
  }
  return fc
    .tuple(typed('object', keywords), sometimes(properties), sometimes(required))
    .map(([rest, ...named]) =>
      withoutAbsent({ ...(rest as JsonObject), properties: named[0], required: named[1] }),
    );
}

/** Schemas of every supported keyword, shallow, over few names and small numbers, so that relations between two are common. */
export function schemaIn(dialect: Dialect): fc.Arbitrary<Json> {
  return fc.letrec<{ schema: Json }>((tie) => {
    const schema = tie('schema');
    const list = fc.array(schema, { minLength: 1, maxLength: 3 });
    const reference = fc.constantFrom<Json>({ $ref: '#/definitions/x' }, { $ref: '#/definitions/y' });
    return {
      schema: fc.oneof(
        { depthSize: 'small', maxDepth: 3 },
        fc.constantFrom<Json>(
          true,
          {},
          false,
          { type: 'string' },
          { type: ['integer', 'null'] },
          { type: 'boolean' },
        ),
        numberSchema,
        stringSchema,
        fc
          .uniqueArray(scalar, { minLength: 1, maxLength: 3, comparator: 'SameValueZero' })
          .map((values): Json => ({ enum: values })),
        anyValue.map((value): Json => ({ const: value })),
        arraySchema(schema, dialect),
        objectSchema(schema, dialect),
        objectSchema(schema, dialect),
        list.map((parts): Json => ({ anyOf: parts })),
        list.map((parts): Json => ({ oneOf: parts })),
        list.map((parts): Json => ({ allOf: parts })),
        schema.map((part): Json => ({ not: part })),
        fc.tuple(schema, schema, schema).map(conditionOf),
        reference,
      ),
    };
  }).schema;
}

export function withDefinitions(schema: Json, x: Json, y: Json): Json {
  const definitions: Json = { x: guarded(x), y: guarded(y) };
  return isJsonObject(schema) ? { ...schema, definitions } : { allOf: [schema], definitions };
}

/** A definition that refers only from inside a member, so that no schema refers to itself in place. */
function guarded(schema: Json): Json {
  return { anyOf: [{ type: ['string', 'null'] }, { type: 'object', properties: { a: schema } }] };
}

function conditionOf([test, whenTrue, whenFalse]: [Json, Json, Json]): Json {
  return objectOf([
    ['if', test],
    ['then', whenTrue],
    ['else', whenFalse],
  ]);
}
