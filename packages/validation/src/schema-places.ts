/** Where schemas stand in a schema. What is data (`enum`, `const`, `default`, `examples`) is not entered. */
import { isJsonObject, type Json, type JsonObject } from '@signalbox/engine';

export type Path = readonly (string | number)[];
type Place = readonly [path: Path, value: Json];

/** Keywords that hold one schema, a list of them, or schemas by name. */
const one = new Set([
  'items',
  'additionalItems',
  'additionalProperties',
  'propertyNames',
  'contains',
  'not',
  'if',
  'then',
  'else',
  'unevaluatedItems',
  'unevaluatedProperties',
]);
const many = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']);
const named = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
]);

/** The schema and all schemas in it, by a stack of its own: however deep it nests. */
export function* schemasIn(schema: Json): Generator<readonly [path: Path, schema: JsonObject]> {
  const waiting: Place[] = [[[], schema]];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const [path, value] = place;
    if (!isJsonObject(value)) continue;
    yield [path, value];
    for (const [keyword, inner] of Object.entries(value)) {
      for (const found of subSchemas([...path, keyword], keyword, inner)) waiting.push(found);
    }
  }
}

/** The patterns of one schema, with their places in it. */
export const patternsOf = ({
  pattern,
  patternProperties,
}: JsonObject): readonly (readonly [Path, string])[] => [
  ...(typeof pattern === 'string' ? [[['pattern'], pattern] as const] : []),
  ...(isJsonObject(patternProperties)
    ? Object.keys(patternProperties).map((key) => [['patternProperties', key], key] as const)
    : []),
];

const subSchemas = (path: Path, keyword: string, inner: Json): readonly Place[] => {
  const isList = Array.isArray(inner);
  if (isList && many.has(keyword)) return inner.map((item: Json, index): Place => [[...path, index], item]);
  if (!isJsonObject(inner)) return [];
  if (named.has(keyword)) return Object.entries(inner).map(([key, item]): Place => [[...path, key], item]);
  return one.has(keyword) ? [[path, inner]] : [];
};
