/** Patterns of users: matched in linear time, and refused with their place where that is not possible. */
import type { SchemaProblem } from '@signalbox/dsl';
import { isJsonObject, type Json } from '@signalbox/engine';
import { compilePattern, type LinearPattern } from '@signalbox/schema-checker';

/** What ajv makes of a pattern. @throws where the pattern cannot be used; ajv then refuses the schema. */
export const linearRegExp = Object.assign(
  (source: string): LinearPattern => {
    const compiled = compilePattern(source);
    if (compiled.ok) return compiled.pattern;
    throw new Error(messageOf(source, compiled.reason));
  },
  // Schemas are never written out as modules, for which ajv would need an expression here.
  { code: 'linearRegExp' },
);

const maxShownLength = 80;

const messageOf = (source: string, reason: string): string => {
  const shown = source.length > maxShownLength ? `${source.slice(0, maxShownLength)}…` : source;
  return `the pattern ${JSON.stringify(shown)} cannot be used: ${reason}`;
};

const hint =
  'patterns are matched in linear time: write it without look-around and back-references, and bound a length by maxLength instead of a large repetition';

type Path = readonly (string | number)[];
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

/** The first pattern of a schema that cannot be used, with its place. */
export const findPatternProblem = (schema: Json): SchemaProblem | undefined => {
  const waiting: Place[] = [[[], schema]];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const [path, value] = place;
    if (!isJsonObject(value)) continue;
    const problem = problemHere(path, value);
    if (problem !== undefined) return problem;
    for (const [keyword, inner] of Object.entries(value)) {
      for (const found of subSchemas([...path, keyword], keyword, inner)) waiting.push(found);
    }
  }
  return undefined;
};

const problemHere = (path: Path, schema: { readonly [key: string]: Json }): SchemaProblem | undefined => {
  const { pattern, patternProperties } = schema;
  const own: Place[] = typeof pattern === 'string' ? [[[...path, 'pattern'], pattern]] : [];
  const keys = isJsonObject(patternProperties) ? Object.keys(patternProperties) : [];
  const all = [...own, ...keys.map((key): Place => [[...path, 'patternProperties', key], key])];
  for (const [place, source] of all) {
    const compiled = compilePattern(String(source));
    if (!compiled.ok) return { message: messageOf(String(source), compiled.reason), hint, path: place };
  }
  return undefined;
};

const subSchemas = (path: Path, keyword: string, inner: Json): readonly Place[] => {
  const isList = Array.isArray(inner);
  if (isList && many.has(keyword)) return inner.map((item: Json, index): Place => [[...path, index], item]);
  if (!isJsonObject(inner)) return [];
  if (named.has(keyword)) return Object.entries(inner).map(([key, item]): Place => [[...path, key], item]);
  return one.has(keyword) ? [[path, inner]] : [];
};
