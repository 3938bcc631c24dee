/**
 * Exact arithmetic on JSON numbers. A double stands for the decimal that it prints as (0.1 is one tenth), which is what the author wrote.
 *
 * 1. `denominator` is positive and the fraction is reduced, so equal numbers have equal parts.
 */

export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  let a = left < 0n ? -left : left;
  let b = right < 0n ? -right : right;
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

function leastCommonMultiple(left: bigint, right: bigint): bigint {
  return (left / greatestCommonDivisor(left, right)) * right;
}

function reduced(numerator: bigint, denominator: bigint): Rational {
  const divisor = greatestCommonDivisor(numerator, denominator);
  if (divisor === 0n) return { numerator: 0n, denominator: 1n };
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

export function rationalOf(value: number): Rational {
  if (Number.isSafeInteger(value)) return { numerator: BigInt(value), denominator: 1n };
  const [mantissa = '0', exponentText = '0'] = value.toString().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const exponent = Number(exponentText) - fraction.length;
  const digits = BigInt(whole + fraction);
  return exponent >= 0
    ? { numerator: digits * 10n ** BigInt(exponent), denominator: 1n }
    : reduced(digits, 10n ** BigInt(-exponent));
}

export function compareRationals(left: Rational, right: Rational): number {
  const a = left.numerator * right.denominator;
  const b = right.numerator * left.denominator;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function quotient(left: Rational, right: Rational): Rational {
  const sign = right.numerator < 0n ? -1n : 1n;
  return reduced(
    left.numerator * right.denominator * sign,
    left.denominator * (right.numerator < 0n ? -right.numerator : right.numerator),
  );
}

export function timesInteger(value: Rational, factor: bigint): Rational {
  return reduced(value.numerator * factor, value.denominator);
}

export function isWhole(value: Rational): boolean {
  return value.denominator === 1n;
}

export function isMultipleOf(value: Rational, step: Rational): boolean {
  return isWhole(quotient(value, step));
}

/** The smallest positive number that is a multiple of both steps. */
export function commonMultiple(left: Rational, right: Rational): Rational {
  const denominator = left.denominator * right.denominator;
  const multiple = leastCommonMultiple(
    left.numerator * right.denominator,
    right.numerator * left.denominator,
  );
  return reduced(multiple < 0n ? -multiple : multiple, denominator);
}

export function floorOf(value: Rational): bigint {
  const { numerator, denominator } = value;
  const truncated = numerator / denominator;
  return numerator < 0n && numerator % denominator !== 0n ? truncated - 1n : truncated;
}

export function ceilOf(value: Rational): bigint {
  return -floorOf({ numerator: -value.numerator, denominator: value.denominator });
}

/** The double that prints as exactly this number, or undefined where there is none. */
export function numberOf(value: Rational): number | undefined {
  const approximate =
    value.denominator === 1n ? Number(value.numerator) : Number(value.numerator) / Number(value.denominator);
  if (!Number.isFinite(approximate)) return undefined;
  return compareRationals(rationalOf(approximate), value) === 0 ? approximate : undefined;
}
