/**
 * Solves goals about null and booleans: there are three values to try.
 */
import { type Constraint, EMPTY, type Outcome } from './constraint.js';

export function solveScalar(type: 'null' | 'boolean', constraints: readonly Constraint[]): Outcome {
  const excluded = constraints.flatMap((item) => (item.kind === 'notValues' ? item.values : []));
  const candidates = type === 'null' ? [null] : [true, false];
  for (const value of candidates) {
    if (!excluded.includes(value)) return { kind: 'witness', value };
  }
  return EMPTY;
}
