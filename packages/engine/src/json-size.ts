/**
 * How large a value is: UTF-8 bytes of its JSON text, counted without making that text.
 *
 * Most values are far below every limit, and a bound that looks at no character says so; characters are counted only
 * of what may be near it.
 */
import { isJsonObject, type Json } from './json.js';

/**
 * Values that nest deeper are refused: what encodes and compares them later recurses. Expressions read 500 levels, so that
 * there is room for wherever a value is put.
 */
export const valueNesting = 200;
/** Of what is made of such values: the context as the output of a run, what a join hands over. */
export const composedNesting = 300;
/** Of a value that is far too large, only so many times the limit is counted. */
const countedTimes = 4;
const longestNumber = 25;
/** `\u0000`, for one character. */
const longestCharacter = 6;

/** Why a value is not one of at most `maxBytes`, as the end of a sentence; undefined where it is. */
export const sizeProblem = (value: Json, maxBytes: number, maxNesting = valueNesting): string | undefined =>
  sumProblem([value], maxBytes, maxNesting);

/** The same of several values together. */
export const sumProblem = (
  values: readonly Json[],
  maxBytes: number,
  maxNesting = valueNesting,
): string | undefined => {
  let room = maxBytes;
  for (const value of values) if (room >= 0) room = roomAfter(value, room, maxNesting);
  if (room >= 0) return undefined;
  const stopAt = maxBytes * countedTimes;
  let bytes = 0;
  for (const value of values) if (bytes <= stopAt) bytes = bytesWith(value, bytes, stopAt, maxNesting);
  if (bytes <= maxBytes) return undefined;
  if (bytes === Number.POSITIVE_INFINITY) return `is nested more than ${maxNesting} deep`;
  const size = bytes > stopAt ? `more than ${stopAt}` : String(bytes);
  return `has ${size} bytes of JSON, the limit is ${maxBytes}`;
};

/** What is left of `room` when each character takes as much as a character can; below 0 where that may not be enough. */
const roomAfter = (value: Json, room: number, levels: number): number => {
  if (typeof value === 'string') return room - value.length * longestCharacter - 2;
  if (typeof value !== 'object' || value === null) return room - longestNumber;
  if (levels === 0) return -1;
  let left = room - 2;
  if (isJsonObject(value)) {
    for (const key in value) {
      left = roomAfter(value[key] as Json, left - key.length * longestCharacter - 4, levels - 1);
      if (left < 0) return left;
    }
    return left;
  }
  for (const item of value) {
    left = roomAfter(item, left - 1, levels - 1);
    if (left < 0) return left;
  }
  return left;
};

/** `bytes` and those of the value; infinite where it nests too deep. Stops counting somewhere above `stopAt`. */
const bytesWith = (value: Json, bytes: number, stopAt: number, levels: number): number => {
  if (typeof value === 'string') return bytes + bytesOfText(value, stopAt);
  if (typeof value !== 'object' || value === null) return bytes + String(value).length;
  if (levels === 0) return Number.POSITIVE_INFINITY;
  let total = bytes + 2;
  let separator = 0;
  if (isJsonObject(value)) {
    for (const key in value) {
      total = bytesWith(
        value[key] as Json,
        total + separator + bytesOfText(key, stopAt) + 1,
        stopAt,
        levels - 1,
      );
      if (total > stopAt) return total;
      separator = 1;
    }
    return total;
  }
  for (const item of value) {
    total = bytesWith(item, total + separator, stopAt, levels - 1);
    if (total > stopAt) return total;
    separator = 1;
  }
  return total;
};

const bytesOfText = (text: string, stopAt: number): number => {
  if (text.length > stopAt) return text.length;
  let bytes = 2;
  for (let at = 0; at < text.length; at += 1) bytes += bytesOfUnit(text, at);
  return bytes;
};

/** Of one UTF-16 unit: both halves of a pair together take 4, a half without the other is written as `\ud800`. */
const bytesOfUnit = (text: string, at: number): number => {
  const code = text.charCodeAt(at);
  if (code < 0x80) {
    if (code === 0x22 || code === 0x5c) return 2;
    if (code >= 0x20) return 1;
    return code === 0x08 || code === 0x09 || code === 0x0a || code === 0x0c || code === 0x0d ? 2 : 6;
  }
  if (code < 0x800) return 2;
  if (code < 0xd800 || code > 0xdfff) return 3;
  const isHigh = code < 0xdc00;
  const other = text.charCodeAt(isHigh ? at + 1 : at - 1);
  const isPaired = isHigh ? other >= 0xdc00 && other <= 0xdfff : other >= 0xd800 && other < 0xdc00;
  return isPaired ? 2 : 6;
};
