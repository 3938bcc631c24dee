/**
 * What `JSON.parse` would change in silence, so that what another party sends means the same to everybody: a number that
 * cannot be kept, a key that stands twice, half of a surrogate pair.
 *
 * Almost every message is clean, and a look at the text and a count of its keys say so; only what may not be is read
 * token by token.
 */

/** With an exponent, or more digits than are kept for certain. */
const doubtfulNumber = /[:,[][ \t\r\n]*-?(?:[1-9]\d{15}|[1-9][\d.]{18}|0\.0*[1-9]\d{17}|[\d.]+[eE])/;
const doubtfulEscape = /\\u[dD][89a-fA-F]/;
const spacedKey = /"[ \t\r\n]+:/;
const token = /"[^"\\]*(?:\\.[^"\\]*)*"(?<colon>[ \t\r\n]*:)?|-?\d[\d.eE+-]*/g;
const halfOfPair = /\p{Surrogate}/u;
/** As many digits as a double needs in decimal: programs print them, though fewer would do. */
const doubleDigits = 17;

/** More than the body of any message may nest; who counts its keys recurses. */
const maxDepth = 1_000;

/** Why the text, which `value` was parsed from, does not mean just that value; undefined where it does. */
export const silentChange = (text: string, value: unknown): string | undefined => {
  const keys = keyCount(value, 0);
  if (keys === undefined) return `it is nested more than ${maxDepth} deep`;
  const isDoubtful =
    doubtfulNumber.test(text) ||
    (text.includes('\\u') && doubtfulEscape.test(text)) ||
    spacedKey.test(text) ||
    countOf(text, '":') !== keys;
  return isDoubtful ? changeIn(text, keys) : undefined;
};

const countOf = (text: string, part: string): number => {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count += 1;
  return count;
};

/** Undefined where it nests too deep. */
const keyCount = (value: unknown, depth: number): number | undefined => {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > maxDepth) return undefined;
  const isList = Array.isArray(value);
  let count = 0;
  for (const item of isList ? value : Object.values(value)) {
    const below = typeof item === 'object' ? keyCount(item, depth + 1) : 0;
    if (below === undefined) return undefined;
    count += isList ? below : below + 1;
  }
  return count;
};

const changeIn = (text: string, keyCount: number): string | undefined => {
  let keys = 0;
  for (const { 0: found, groups } of text.matchAll(token)) {
    if (!found.startsWith('"')) {
      const fault = numberFault(found);
      if (fault !== undefined) return fault;
      continue;
    }
    if (groups?.colon !== undefined) keys += 1;
    if (doubtfulEscape.test(found) && halfOfPair.test(textOf(found, groups?.colon)))
      return 'a text holds half of a surrogate pair';
  }
  return keys === keyCount ? undefined : 'a key stands twice in one object';
};

const textOf = (found: string, colon = ''): string =>
  JSON.parse(found.slice(0, found.length - colon.length)) as string;

const numberFault = (written: string): string | undefined => {
  const value = Number(written);
  if (!Number.isFinite(value)) return 'a number is larger than any that can be kept';
  const [given, kept] = [significantDigits(written), significantDigits(String(value))];
  if (given === kept) return undefined;
  const isFraction = /[.eE]/.test(written) && !Number.isInteger(value);
  return isFraction && given.length <= doubleDigits && kept !== ''
    ? undefined
    : 'a number would lose digits; it has to be sent as a text';
};

/** From the first to the last digit that is not 0. */
const significantDigits = (written: string): string =>
  written
    .replace(/[eE].*$/, '')
    .replaceAll(/[-.]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '');
