/**
 * The way in: limits on what is given, and the promise that bounded work ends in an answer.
 */
import { type Dialect, detectDialect } from './dialect.js';
import { FuelExhausted } from './fuel.js';
import { type Json, measureJson } from './json.js';
import type { SchemaDocument, SchemaRegistry } from './schema-registry.js';

/** Enough for schemas of some thousand lines; a check that needs them all takes about half a second. */
export const DEFAULT_MAX_STEPS = 500_000;

const MAX_JSON_NODES = 200_000;
const MAX_JSON_DEPTH = 100;

/** Why a value is refused before any work on it, or its size. */
export function sizeOf(value: Json): number | string {
  const measure = measureJson(value, MAX_JSON_NODES, MAX_JSON_DEPTH);
  return measure.fits ? measure.nodeCount : measure.why;
}

/** The document of a schema, or why it cannot be read. */
export function openSchema(
  registry: SchemaRegistry,
  schema: Json,
  dialect: Dialect | undefined,
): SchemaDocument | string {
  const size = sizeOf(schema);
  if (typeof size === 'string') return `the schema is ${size}`;
  registry.fuel.spend(size);
  const used = dialect ?? detectDialect(schema);
  if (used === undefined) return 'the schema names a dialect in `$schema` that is not supported';
  return registry.open(schema, used);
}

/**
 * Running out of steps, or of stack where the caller left little of it, is an answer here and not an error.
 * RangeError is what the engine throws for a full stack and for numbers and strings beyond its limits.
 */
export function bounded<Result>(work: () => Result, whenExhausted: (why: string) => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof FuelExhausted) return whenExhausted(error.message);
    if (error instanceof RangeError) return whenExhausted('the schemas are beyond the limits of the checker');
    throw error;
  }
}
