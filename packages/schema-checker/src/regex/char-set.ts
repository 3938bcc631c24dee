/**
 * Sets of code points, as sorted disjoint ranges `[low, high, low, high, …]`, both ends included.
 */

export type CharSet = readonly number[];

export const MAX_CODE_POINT = 0x10ffff;

export function charSetOf(ranges: readonly (readonly [number, number])[]): CharSet {
  const sorted = ranges.filter(([low, high]) => low <= high).sort((a, b) => a[0] - b[0]);
  const result: number[] = [];
  for (const [low, high] of sorted) {
    const lastHigh = result.at(-1);
    if (lastHigh !== undefined && low <= lastHigh + 1) result[result.length - 1] = Math.max(lastHigh, high);
    else result.push(low, high);
  }
  return result;
}

export function rangesOf(set: CharSet): [number, number][] {
  const ranges: [number, number][] = [];
  for (let i = 0; i + 1 < set.length; i += 2) ranges.push([set[i] ?? 0, set[i + 1] ?? 0]);
  return ranges;
}

export function complementOf(set: CharSet): CharSet {
  const result: [number, number][] = [];
  let from = 0;
  for (const [low, high] of rangesOf(set)) {
    result.push([from, low - 1]);
    from = high + 1;
  }
  result.push([from, MAX_CODE_POINT]);
  return charSetOf(result);
}

export function unionOf(sets: readonly CharSet[]): CharSet {
  return charSetOf(sets.flatMap(rangesOf));
}

export function containsCodePoint(set: CharSet, codePoint: number): boolean {
  let low = 0;
  let high = set.length / 2 - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (codePoint < (set[2 * middle] ?? 0)) high = middle - 1;
    else if (codePoint > (set[2 * middle + 1] ?? 0)) low = middle + 1;
    else return true;
  }
  return false;
}

/** Adds the other case of the ASCII letters in a set. */
export function foldAsciiCase(set: CharSet): CharSet {
  const extra: [number, number][] = [];
  for (const [low, high] of rangesOf(set)) {
    extra.push([Math.max(low, 0x41) + 32, Math.min(high, 0x5a) + 32]);
    extra.push([Math.max(low, 0x61) - 32, Math.min(high, 0x7a) - 32]);
  }
  return charSetOf([...rangesOf(set), ...extra]);
}

export const EVERY_CHARACTER: CharSet = [0, MAX_CODE_POINT];
export const DIGITS: CharSet = [0x30, 0x39];
export const WORD_CHARACTERS: CharSet = charSetOf([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
export const WHITE_SPACE: CharSet = charSetOf([
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
/** What `.` matches without the `s` flag. */
export const NOT_LINE_END: CharSet = complementOf(
  charSetOf([
    [0x0a, 0x0a],
    [0x0d, 0x0d],
    [0x2028, 0x2029],
  ]),
);
