/**
 * Does a value satisfy a schema? The checker's own validator, for callers that want the third answer.
 */
import type { Dialect } from './dialect.js';
import { Evaluator, type Validity } from './evaluate.js';
import { Fuel } from './fuel.js';
import type { Json } from './json.js';
import { bounded, DEFAULT_MAX_STEPS, openSchema, sizeOf } from './open-schema.js';
import { SchemaRegistry } from './schema-registry.js';

export interface ValidityOptions {
  readonly dialect?: Dialect;
  readonly maxSteps?: number;
}

/**
 * "valid" and "invalid" agree with ajv and ajv-formats; "unknown" where a format, a pattern, a malformed keyword or the work
 * limit prevents an answer. Never throws.
 */
export function isValid(schema: Json, value: Json, options: ValidityOptions = {}): Validity {
  const fuel = new Fuel(options.maxSteps ?? DEFAULT_MAX_STEPS);
  const evaluate = (): Validity => {
    if (typeof sizeOf(value) === 'string') return 'unknown';
    const document = openSchema(new SchemaRegistry(fuel), schema, options.dialect);
    return typeof document === 'string'
      ? 'unknown'
      : new Evaluator(fuel, 'undecided').evaluate(document.root, value);
  };
  return bounded<Validity>(evaluate, () => 'unknown');
}
