/**
 * The single demands of a schema, each as a schema of its own: together they say what the schema says.
 */
import type { Dialect } from './dialect.js';
import { isJsonObject, type Json, type JsonObject, objectOf, ownKeys, ownValue } from './json.js';
import type { ArrayKeywords, SchemaNode } from './schema-node.js';

/** One step from a value to its member; `from` is the first index that the step may mean. */
export type PathStep =
  | { readonly kind: 'property'; readonly key: string }
  | { readonly kind: 'item'; readonly from: number; readonly isExact: boolean };

export interface Demand {
  readonly keyword: string;
  readonly schema: Json;
  readonly expected: Json | undefined;
  /** Where the demand is about a member (or another schema for the same value), the schema for that member. */
  readonly inner:
    | {
        readonly node: SchemaNode;
        readonly step: PathStep | undefined;
        readonly around: (schema: Json) => Json;
      }
    | undefined;
}

const PLAIN = [
  'type',
  'enum',
  'const',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'propertyNames',
  'anyOf',
  'oneOf',
  'not',
];

/** Keywords that mean something only together. */
const TOGETHER: readonly (readonly [string, readonly string[]])[] = [
  ['type', ['type', 'nullable']],
  ['contains', ['contains', 'minContains', 'maxContains']],
  ['if', ['if', 'then', 'else']],
];

function picked(schema: JsonObject, keywords: readonly string[]): JsonObject {
  return objectOf(
    keywords.flatMap((keyword) => {
      const value = ownValue(schema, keyword);
      return value === undefined ? [] : [[keyword, value] as const];
    }),
  );
}

/** The demands of a schema that can be named; what is left out is told as a whole by the caller. */
export function demandsOf(node: SchemaNode, dialect: Dialect): Demand[] {
  const { schema } = node;
  if (!isJsonObject(schema)) return [];
  const demands: Demand[] = [];
  const same = (schemaOfSame: Json) => schemaOfSame;
  for (const inner of [
    ...(node.keywords.reference === undefined ? [] : [node.keywords.reference]),
    ...node.keywords.allOf,
  ]) {
    const isSelf = inner.id === node.id;
    demands.push({
      keyword: 'schema',
      schema: inner.schema,
      expected: undefined,
      inner: isSelf ? undefined : { node: inner, step: undefined, around: same },
    });
  }
  for (const keyword of PLAIN) {
    const expected = ownValue(schema, keyword);
    if (expected === undefined) continue;
    const group = TOGETHER.find(([name]) => name === keyword)?.[1] ?? [keyword];
    demands.push({ keyword, schema: picked(schema, group), expected, inner: undefined });
  }
  demands.push(...memberDemands(node, schema));
  if (node.keywords.array !== undefined) demands.push(...itemDemands(node.keywords.array, dialect));
  for (const keyword of ['contains', 'if']) {
    const group = TOGETHER.find(([name]) => name === keyword)?.[1] ?? [keyword];
    if (ownValue(schema, keyword) === undefined) continue;
    demands.push({ keyword, schema: picked(schema, group), expected: undefined, inner: undefined });
  }
  return demands;
}

function memberDemands(node: SchemaNode, schema: JsonObject): Demand[] {
  const object = node.keywords.object;
  if (object === undefined) return [];
  const demands: Demand[] = [];
  for (const key of object.required) {
    demands.push({ keyword: 'required', schema: { required: [key] }, expected: key, inner: undefined });
  }
  for (const [key, member] of object.properties) {
    const around = (inner: Json): Json => ({ properties: objectOf([[key, inner]]) });
    const isForbidden = member.keywords.always === false;
    demands.push({
      keyword: isForbidden ? 'additionalProperties' : 'properties',
      schema: around(member.schema),
      expected: isForbidden ? false : undefined,
      inner: isForbidden ? undefined : { node: member, step: { kind: 'property', key }, around },
    });
  }
  for (const { pattern, node: member } of object.patterns) {
    const inner = { patternProperties: objectOf([[pattern.source, member.schema]]) };
    demands.push({
      keyword: 'additionalProperties',
      schema: inner,
      expected: member.schema,
      inner: undefined,
    });
  }
  if (object.additional !== undefined) {
    const open = {
      properties: objectOf([...object.properties.keys()].map((key) => [key, true])),
      patternProperties: objectOf(object.patterns.map(({ pattern }) => [pattern.source, true])),
      additionalProperties: object.additional.schema,
    };
    const expected = object.additional.schema;
    demands.push({ keyword: 'additionalProperties', schema: open, expected, inner: undefined });
  }
  for (const keyword of ['dependencies', 'dependentRequired', 'dependentSchemas']) {
    const value = ownValue(schema, keyword);
    if (value === undefined || !isJsonObject(value)) continue;
    for (const key of ownKeys(value)) {
      const single = objectOf([[keyword, objectOf([[key, value[key] ?? null]])]]);
      demands.push({ keyword: 'dependencies', schema: single, expected: key, inner: undefined });
    }
  }
  return demands;
}

function itemDemands(keywords: ArrayKeywords, dialect: Dialect): Demand[] {
  const { prefix, rest } = keywords;
  const [first, others] = dialect === '2020-12' ? ['prefixItems', 'items'] : ['items', 'additionalItems'];
  const blanks = (count: number): Json[] => Array.from({ length: count }, () => true);
  const demands = prefix.map((node, index): Demand => {
    const around = (inner: Json): Json => objectOf([[first, [...blanks(index), inner]]]);
    const step: PathStep = { kind: 'item', from: index, isExact: true };
    return {
      keyword: 'items',
      schema: around(node.schema),
      expected: undefined,
      inner: { node, step, around },
    };
  });
  if (rest !== undefined) {
    const around = (inner: Json): Json =>
      prefix.length === 0
        ? { items: inner }
        : objectOf([
            [first, blanks(prefix.length)],
            [others, inner],
          ]);
    const step: PathStep = { kind: 'item', from: prefix.length, isExact: false };
    demands.push({
      keyword: 'items',
      schema: around(rest.schema),
      expected: undefined,
      inner: { node: rest, step, around },
    });
  }
  return demands;
}
