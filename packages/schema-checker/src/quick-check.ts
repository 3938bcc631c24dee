/**
 * Is a value surely valid, found with little work? For callers that must not stand still: what is not surely valid,
 * or would take longer, they ask a full validator for, in another thread.
 *
 * 1. `true` is said only where ajv would say so as well.
 * 2. The work is bounded by counted steps: the same schema and value always get the same answer.
 */
import { detectDialect } from './dialect.js';
import { Evaluator } from './evaluate.js';
import { Fuel } from './fuel.js';
import { isJsonObject, type Json, type ReadonlyJson } from './json.js';
import { bounded } from './open-schema.js';
import { type SchemaDocument, SchemaRegistry } from './schema-registry.js';

export type QuickCheck = (schema: ReadonlyJson, value: ReadonlyJson) => boolean;

/** About two milliseconds. */
const MAX_STEPS = 10_000;
/** For reading a schema, once for each. */
const MAX_READING_STEPS = 50_000;
const MAX_SCHEMA_WEIGHT = 2_000;
const MAX_VALUE_WEIGHT = 5_000;
const MAX_DEPTH = 64;
/** Asking the engine for all code points of a property takes some milliseconds. */
const UNICODE_PROPERTY = /\\[pP]\{/;

/** Remembers what it has read of each schema, by the identity of its object. */
export function createQuickCheck(): QuickCheck {
  const documents = new WeakMap<object, SchemaDocument | 'too much'>();
  const documentOf = (schema: Json): SchemaDocument | 'too much' => {
    if (typeof schema !== 'object' || schema === null) return read(schema);
    const known = documents.get(schema) ?? read(schema);
    documents.set(schema, known);
    return known;
  };
  return (schema, value) => {
    if (!isLight(value as Json, MAX_VALUE_WEIGHT)) return false;
    const evaluate = (): boolean => {
      const document = documentOf(schema as Json);
      if (document === 'too much') return false;
      const evaluator = new Evaluator(new Fuel(MAX_STEPS), 'ignored');
      return evaluator.evaluate(document.root, value as Json) === 'valid';
    };
    return bounded(evaluate, () => false);
  };
}

function read(schema: Json): SchemaDocument | 'too much' {
  const isReadable = isLight(schema, MAX_SCHEMA_WEIGHT, (text) => !UNICODE_PROPERTY.test(text));
  const dialect = isReadable ? detectDialect(schema) : undefined;
  if (dialect === undefined) return 'too much';
  return new SchemaRegistry(new Fuel(MAX_READING_STEPS)).open(schema, dialect);
}

/** Counts values and texts until there are too many; without recursion. */
function isLight(root: Json, maxWeight: number, isTextFine: (text: string) => boolean = () => true): boolean {
  let weight = 0;
  const pending: [Json, number][] = [[root, 0]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [value, depth] = next;
    const text = typeof value === 'string' ? value : '';
    weight += 1 + (text.length >> 5);
    if (weight + pending.length > maxWeight || depth > MAX_DEPTH || !isTextFine(text)) return false;
    if (Array.isArray(value)) {
      if (value.length > maxWeight) return false;
      for (const item of value) pending.push([item, depth + 1]);
    } else if (isJsonObject(value)) {
      for (const key in value) {
        if (weight + pending.length > maxWeight || !isTextFine(key)) return false;
        weight += key.length >> 5;
        pending.push([value[key] ?? null, depth + 1]);
      }
    }
  }
  return true;
}
