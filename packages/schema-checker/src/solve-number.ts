/**
 * Solves goals about numbers: an interval, multiples of a step, and what is excluded from it. Exact throughout.
 */
import { type Constraint, EMPTY, type Outcome, type Prover, unknownBecause } from './constraint.js';
import {
  ceilOf,
  commonMultiple,
  compareRationals,
  floorOf,
  isMultipleOf,
  isWhole,
  numberOf,
  quotient,
  type Rational,
  rationalOf,
  timesInteger,
} from './rational.js';

const MAX_CANDIDATES = 2_000;

interface NumberGoal {
  low: number;
  isLowStrict: boolean;
  high: number;
  isHighStrict: boolean;
  step: Rational | undefined;
  excludedSteps: Rational[];
  excluded: Set<number>;
}

function goalOf(constraints: readonly Constraint[]): NumberGoal {
  const goal: NumberGoal = {
    low: Number.NEGATIVE_INFINITY,
    isLowStrict: true,
    high: Number.POSITIVE_INFINITY,
    isHighStrict: true,
    step: undefined,
    excludedSteps: [],
    excluded: new Set(),
  };
  for (const item of constraints) {
    if (item.kind === 'low' && (item.value > goal.low || (item.value === goal.low && item.isStrict))) {
      goal.low = item.value;
      goal.isLowStrict = item.isStrict;
    } else if (
      item.kind === 'high' &&
      (item.value < goal.high || (item.value === goal.high && item.isStrict))
    ) {
      goal.high = item.value;
      goal.isHighStrict = item.isStrict;
    } else if (item.kind === 'multiple') {
      const step = rationalOf(item.step);
      if (!item.holds) goal.excludedSteps.push(step);
      else goal.step = goal.step === undefined ? step : commonMultiple(goal.step, step);
    } else if (item.kind === 'notValues') {
      for (const value of item.values) if (typeof value === 'number') goal.excluded.add(value);
    }
  }
  return goal;
}

function isInRange(value: number, goal: NumberGoal): boolean {
  const isAbove = goal.isLowStrict ? value > goal.low : value >= goal.low;
  return isAbove && (goal.isHighStrict ? value < goal.high : value <= goal.high);
}

export function solveNumber(constraints: readonly Constraint[], prover: Prover): Outcome {
  const goal = goalOf(constraints);
  if (goal.low > goal.high) return EMPTY;
  if (goal.low === goal.high && (goal.isLowStrict || goal.isHighStrict)) return EMPTY;
  return goal.step === undefined ? solveDense(goal, prover) : solveStepped(goal, goal.step, prover);
}

/** Without a step the interval is a single number, or has infinitely many. */
function solveDense(goal: NumberGoal, prover: Prover): Outcome {
  const isSingle = goal.low === goal.high;
  for (const value of isSingle ? [goal.low] : denseCandidates(goal)) {
    prover.spend(1 + goal.excludedSteps.length);
    if (!Number.isFinite(value) || !isInRange(value, goal) || goal.excluded.has(value)) continue;
    const exact = rationalOf(value);
    if (!goal.excludedSteps.some((step) => isMultipleOf(exact, step))) return { kind: 'witness', value };
  }
  return isSingle ? EMPTY : unknownBecause('no number was found between the bounds');
}

function* denseCandidates(goal: NumberGoal): Iterable<number> {
  const { low, high } = goal;
  const hasLow = Number.isFinite(low);
  const hasHigh = Number.isFinite(high);
  yield* [0, 1, -1, 0.5, -0.5, 1.5];
  if (hasLow) yield* [low, low + 1, low + 0.5, low + 0.1];
  if (hasHigh) yield* [high, high - 1, high - 0.5, high - 0.1];
  if (hasLow && hasHigh) for (const part of [0.5, 0.25, 0.75, 0.1, 0.9, 0.3]) yield low + (high - low) * part;
  const base = hasLow ? low : hasHigh ? high : 0;
  const sign = hasLow || !hasHigh ? 1 : -1;
  for (let i = 1; i <= 60; i += 1) yield base + sign * i * 0.37;
  for (let i = 0; i <= goal.excluded.size + 10; i += 1) yield Math.floor(base) + sign * (i + 0.25);
  for (let i = 1; i <= 12; i += 1) yield base + sign * 10 ** -i;
  for (let i = 1; i <= 12; i += 1) yield base + sign * 3 * 10 ** i;
}

/** With a step the candidates are `k * step` for the whole numbers k of a range. */
function solveStepped(goal: NumberGoal, step: Rational, prover: Prover): Outcome {
  const from = Number.isFinite(goal.low) ? firstIndex(goal, step) : undefined;
  const to = Number.isFinite(goal.high) ? lastIndex(goal, step) : undefined;
  if (from !== undefined && to !== undefined && from > to) return EMPTY;
  // Every multiple of the step is a multiple of the excluded one.
  if (goal.excludedSteps.some((excluded) => isWhole(quotient(step, excluded)))) return EMPTY;
  let tried = 0n;
  for (const index of indices(from, to)) {
    prover.spend(1 + goal.excludedSteps.length);
    tried += 1n;
    const exact = timesInteger(step, index);
    if (goal.excludedSteps.some((excluded) => isMultipleOf(exact, excluded))) continue;
    const value = numberOf(exact);
    if (value === undefined) return unknownBecause('a number is too large to be written');
    if (!goal.excluded.has(value)) return { kind: 'witness', value };
  }
  const isExhausted = from !== undefined && to !== undefined && tried === to - from + 1n;
  return isExhausted ? EMPTY : unknownBecause('no multiple was found between the bounds');
}

function firstIndex(goal: NumberGoal, step: Rational): bigint {
  const low = rationalOf(goal.low);
  const index = ceilOf(quotient(low, step));
  const isAtBound = compareRationals(timesInteger(step, index), low) === 0;
  return isAtBound && goal.isLowStrict ? index + 1n : index;
}

function lastIndex(goal: NumberGoal, step: Rational): bigint {
  const high = rationalOf(goal.high);
  const index = floorOf(quotient(high, step));
  const isAtBound = compareRationals(timesInteger(step, index), high) === 0;
  return isAtBound && goal.isHighStrict ? index - 1n : index;
}

/** Indices nearest to zero first, as many as may be tried. */
function* indices(from: bigint | undefined, to: bigint | undefined): Iterable<bigint> {
  if (from !== undefined && from >= 0n) {
    for (let i = 0n; i < MAX_CANDIDATES && (to === undefined || from + i <= to); i += 1n) yield from + i;
    return;
  }
  if (to !== undefined && to <= 0n) {
    for (let i = 0n; i < MAX_CANDIDATES && (from === undefined || to - i >= from); i += 1n) yield to - i;
    return;
  }
  yield 0n;
  for (let i = 1n; i < MAX_CANDIDATES; i += 1n) {
    if (to === undefined || i <= to) yield i;
    if (from === undefined || -i >= from) yield -i;
  }
}
