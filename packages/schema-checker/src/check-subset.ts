/**
 * Does everything that schema A allows satisfy schema B?
 *
 * 1. "compatible" is said only when `A and not B` is proved to be empty.
 * 2. "incompatible" comes with a counterexample that was evaluated: valid under A, invalid under B.
 * 3. Total: whatever is given, the answer comes after bounded work, and nothing is thrown.
 */
import { literal } from './constraint.js';
import type { Dialect } from './dialect.js';
import { explain } from './explain.js';
import { Fuel, type StepBudget } from './fuel.js';
import type { Json } from './json.js';
import { bounded, DEFAULT_MAX_STEPS, openSchema } from './open-schema.js';
import { type Reason, undecided } from './reason.js';
import { SchemaRegistry } from './schema-registry.js';
import { Solver } from './solver.js';

export interface CheckOptions {
  /** The dialect of both schemas; without it, each schema's own (see `detectDialect`). */
  readonly dialect?: Dialect;
  /** A second validator: a counterexample that it does not confirm is not shown, and the verdict is "unknown". */
  readonly validate?: (schema: Json, value: Json) => boolean;
  /** How much work may be done, in steps; about five million steps take a second. */
  readonly maxSteps?: number;
  /** Shared by several checks, beside what each may take by itself. */
  readonly budget?: StepBudget;
  /** How many reasons are looked for when the schemas are incompatible. */
  readonly maxReasons?: number;
}

export type SubsetResult =
  | { readonly verdict: 'compatible'; readonly reasons: readonly [] }
  | { readonly verdict: 'incompatible'; readonly reasons: readonly Reason[]; readonly counterexample: Json }
  | { readonly verdict: 'unknown'; readonly reasons: readonly Reason[] };

const DEFAULT_MAX_REASONS = 20;

function unknownResult(message: string): SubsetResult {
  return { verdict: 'unknown', reasons: [undecided(message)] };
}

/** Whether every value that `a` allows is allowed by `b`. Never throws, whatever the schemas are. */
export function checkSubset(a: Json, b: Json, options: CheckOptions = {}): SubsetResult {
  const fuel = new Fuel(options.maxSteps ?? DEFAULT_MAX_STEPS, options.budget);
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
  const reasons = explain({ from, to, solver, counterexample: outcome.value, maxReasons });
  return { verdict: 'incompatible', reasons, counterexample: outcome.value };
}
