/** Small schemas, and values that they allow. */
import type { Json } from '@signalbox/engine';
import fc from 'fast-check';
import type { State } from './agents.js';

const keys = ['a', 'b', 'c'] as const;

const leaf: fc.Arbitrary<Json> = fc.constantFrom<Json[]>(
  { type: 'string' },
  { type: 'string', minLength: 1 },
  { type: 'integer' },
  { type: 'integer', minimum: 0 },
  { type: 'number' },
  { type: 'boolean' },
  { enum: ['low', 'high'] },
  { const: 'low' },
  { type: ['string', 'null'] },
  { anyOf: [{ type: 'integer' }, { type: 'string' }] },
);

const objectOf = (inner: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc
    .tuple(
      fc.uniqueArray(fc.tuple(fc.constantFrom(...keys), inner), { selector: ([key]) => key, minLength: 1 }),
      fc.array(fc.constantFrom(...keys)),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([properties, some, areAll, isClosed]): Json => {
      const names = properties.map(([key]) => key);
      return {
        type: 'object',
        properties: Object.fromEntries(properties),
        required: areAll ? names : names.filter((name) => some.includes(name)),
        ...(isClosed ? { additionalProperties: false } : {}),
      };
    });

const nested = fc.oneof(
  { weight: 4, arbitrary: leaf },
  { weight: 1, arbitrary: objectOf(leaf) },
  { weight: 1, arbitrary: leaf.map((items): Json => ({ type: 'array', items })) },
);

export const objectSchemas = objectOf(nested);

/** The same or wider: what then fits is no accident. */
export const widerThan = (schema: Json): fc.Arbitrary<Json> => {
  const { type, properties, required, ...others } = schema as { [keyword: string]: Json };
  if (type !== 'object' || properties === undefined) return fc.constantFrom<Json[]>(schema, schema, {});
  const names = Object.keys(properties as State);
  return fc
    .tuple(
      fc.tuple(...names.map((name) => widerThan((properties as State)[name] ?? true))),
      fc.boolean(),
      fc.subarray([...((required as string[] | undefined) ?? [])]),
    )
    .map(
      ([inner, isOpen, kept]): Json => ({
        type: 'object',
        properties: Object.fromEntries(names.map((name, index) => [name, inner[index] ?? true])),
        required: kept,
        ...(isOpen ? {} : others),
      }),
    );
};

const anything = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.constant(null),
  fc.constant([1, 'x']),
  fc.constant({ a: {} }),
);

/** Values that a schema of this file allows, and between them all kinds of such. */
export const valuesOf = (schema: Json): fc.Arbitrary<Json> => {
  const { type, properties, required, items, minimum, minLength, additionalProperties, anyOf, ...fixed } =
    schema as {
      [keyword: string]: Json;
    };
  if (fixed.const !== undefined) return fc.constant(fixed.const);
  if (Array.isArray(fixed.enum)) return fc.constantFrom(...(fixed.enum as Json[]));
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((one: Json) => valuesOf(one)));
  if (Array.isArray(type)) return fc.oneof(...type.map((one: Json) => valuesOf({ type: one })));
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: Number(minimum ?? -1000), max: 1000 });
    case 'number':
      return fc.oneof(fc.integer(), fc.constant(0.5), fc.constant(-1.25));
    case 'string':
      return fc.oneof(
        fc.constantFrom('low', 'x', '10'),
        fc.string({ minLength: Number(minLength ?? 0), maxLength: 5 }),
      );
    case 'array':
      return fc.array(valuesOf(items ?? true), { maxLength: 3 });
    case 'object': {
      const known = Object.entries(properties as State);
      const fields = Object.fromEntries(known.map(([key, inner]) => [key, valuesOf(inner)]));
      const requiredKeys = ((required as string[] | undefined) ?? []).filter((key) => key in fields);
      const object = fc.record(fields, { requiredKeys });
      if (additionalProperties === false) return object;
      const extra = fc.record({ more: anything, c: anything }, { requiredKeys: [] });
      return fc.tuple(extra, object).map(([other, own]) => {
        // What is declared is not anything.
        const beside = Object.entries(other).filter(([key]) => !(key in fields));
        return { ...Object.fromEntries(beside), ...own } as Json;
      });
    }
    default:
      return anything as fc.Arbitrary<Json>;
  }
};
