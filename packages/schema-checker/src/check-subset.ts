/**
 * Does everything that schema A allows satisfy schema B?
 *
 * 1. "compatible" is said only when `A and not B` is proved to be empty.
 * 2. "incompatible" comes with a counterexample that was evaluated: valid under A, invalid under B.
 * 3. Total: whatever is given, the answer comes after bounded work, and nothing is thrown.
 */
import { literal } from './constraint.js';
import { type Dialect, detectDialect } from './dialect.js';
import { explain, type Reason, undecided } from './explain.js';
import { Fuel, FuelExhausted } from './fuel.js';
import { type Json, measureJson } from './json.js';
import { type SchemaDocument, SchemaRegistry } from './schema-registry.js';
import { Solver } from './solver.js';

export interface CheckOptions {
  /** The dialect of both schemas; without it, each schema's own (see `detectDialect`). */
  readonly dialect?: Dialect;
  /** A second validator: a counterexample that it does not confirm is not shown, and the verdict is "unknown". */
  readonly validate?: (schema: Json, value: Json) => boolean;
  /** How much work may be done, in steps; about five million steps take a second. */
  readonly maxSteps?: number;
  /** How many reasons are looked for when the schemas are incompatible. */
  readonly maxReasons?: number;
}

export type SubsetResult =
  | { readonly verdict: 'compatible'; readonly reasons: readonly [] }
  | { readonly verdict: 'incompatible'; readonly reasons: readonly Reason[]; readonly counterexample: Json }
  | { readonly verdict: 'unknown'; readonly reasons: readonly Reason[] };

export const DEFAULT_MAX_STEPS = 1_000_000;
const DEFAULT_MAX_REASONS = 20;
export const MAX_SCHEMA_NODES = 200_000;
export const MAX_SCHEMA_DEPTH = 100;

function unknownResult(message: string): SubsetResult {
  return { verdict: 'unknown', reasons: [undecided(message)] };
}

/** The document of a schema, or why it cannot be read. */
export function openSchema(registry: SchemaRegistry, schema: Json, dialect: Dialect | undefined): SchemaDocument | string {
  const measure = measureJson(schema, MAX_SCHEMA_NODES, MAX_SCHEMA_DEPTH);
  if (!measure.fits) return `the schema is ${measure.why}`;
  registry.fuel.spend(measure.nodeCount);
  const used = dialect ?? detectDialect(schema);
  if (used === undefined) return 'the schema names a dialect in `$schema` that is not supported';
  return registry.open(schema, used);
}

/**
 * Running out of steps, or of stack where the caller left little of it, is an answer here and not an error.
 * RangeError is what the engine throws for both a full stack and a number or string beyond its limits.
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

/** Whether every value that `a` allows is allowed by `b`. Never throws, whatever the schemas are. */
export function checkSubset(a: Json, b: Json, options: CheckOptions = {}): SubsetResult {
  const fuel = new Fuel(options.maxSteps ?? DEFAULT_MAX_STEPS);
  return bounded(() => check(a, b, options, fuel), unknownResult);
}

function check(a: Json, b: Json, options: CheckOptions, fuel: Fuel): SubsetResult {
  const registry = new SchemaRegistry(fuel);
  const from = openSchema(registry, a, options.dialect);
  if (typeof from === 'string') return unknownResult(from);
  const to = openSchema(registry, b, options.dialect);
  if (typeof to === 'string') return unknownResult(to);
  const solver = new Solver(registry);
  const outcome = solver.solve([literal(from.root, true), literal(to.root, false)]);
  if (outcome.kind === 'empty') return { verdict: 'compatible', reasons: [] };
  if (outcome.kind === 'unknown') return unknownResult(outcome.why);
  const { validate } = options;
  if (validate !== undefined && !(validate(a, outcome.value) && !validate(b, outcome.value))) {
    return unknownResult('the counterexample that was found is not confirmed by the other validator');
  }
  const maxReasons = options.maxReasons ?? DEFAULT_MAX_REASONS;
  const reasons = explain({ from, to, solver, registry, counterexample: outcome.value, maxReasons });
  return { verdict: 'incompatible', reasons, counterexample: outcome.value };
}
