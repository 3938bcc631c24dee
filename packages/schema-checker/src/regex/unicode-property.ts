/**
 * The code points that a Unicode property of ECMAScript (`\p{…}`) has, as the engine itself knows them: asked of every
 * code point once, so that a pattern means here what it means to `RegExp`.
 */
import { type CharSet, charSetOf } from './char-set.js';

/** First code point and end of stretches in which no two code points make a surrogate pair, and all are as long as each other. */
const STRETCHES: readonly (readonly [number, number])[] = [
  [0, 0xd800],
  [0xd800, 0xdc00],
  [0xdc00, 0xe000],
  [0xe000, 0x10000],
  ...Array.from({ length: 16 }, (_, plane) => [(plane + 1) * 0x10000, (plane + 2) * 0x10000] as const),
];

const MAX_CACHED = 100;
const cache = new Map<string, CharSet | undefined>();

/** `name`: what stands between the braces. Undefined where there is no such property. */
export function propertySet(name: string): CharSet | undefined {
  if (!/^[A-Za-z0-9_]+(?:=[A-Za-z0-9_]+)?$/.test(name)) return undefined;
  if (cache.has(name)) return cache.get(name);
  if (cache.size >= MAX_CACHED) cache.clear();
  const set = findSet(name);
  cache.set(name, set);
  return set;
}

function findSet(name: string): CharSet | undefined {
  let runs: RegExp;
  try {
    runs = new RegExp(`\\p{${name}}+`, 'gu');
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const ranges: [number, number][] = [];
  for (const [from, end] of STRETCHES) {
    const unitCount = from >= 0x10000 ? 2 : 1;
    for (const match of textOf(from, end).matchAll(runs)) {
      const first = from + match.index / unitCount;
      ranges.push([first, first + match[0].length / unitCount - 1]);
    }
  }
  return charSetOf(ranges);
}

function textOf(from: number, end: number): string {
  const parts: string[] = [];
  for (let at = from; at < end; at += 1024) {
    parts.push(String.fromCodePoint(...Array.from({ length: 1024 }, (_, index) => at + index)));
  }
  return parts.join('');
}
