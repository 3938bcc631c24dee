/**
 * Sets of strings described by automata, and the search for a shortest member of an intersection of such sets.
 *
 * 1. "none" is said only when no string at all is in the intersection (within the length bounds).
 * 2. Lengths are counted in code points, as JSON Schema does.
 */
import type { Fuel } from '../fuel.js';
import { type Automaton, automatonMatches, automatonOf, wordAutomaton } from './automaton.js';
import { parsePattern } from './parse-pattern.js';

interface Part {
  readonly automaton: Automaton;
  readonly negated: boolean;
}

/** The strings that every part accepts (or refuses, where negated); with `complemented`, all the others. */
export interface Language {
  readonly parts: readonly Part[];
  readonly complemented: boolean;
}

export function complementLanguage(language: Language): Language {
  return { parts: language.parts, complemented: !language.complemented };
}

export type PatternLanguage =
  | { readonly ok: true; readonly language: Language }
  | { readonly ok: false; readonly reason: string };

/** The language of a pattern, or why there is none: it is outside the regular subset or too large. */
export function readLanguage(source: string, ignoreCase = false): PatternLanguage {
  const parsed = parsePattern(source, ignoreCase);
  if (!parsed.ok) return parsed;
  const parts: Part[] = [];
  for (const { tree, negated } of parsed.conjuncts) {
    const automaton = automatonOf(tree);
    if (automaton === undefined) {
      return { ok: false, reason: 'its repetitions, written out, are too many' };
    }
    parts.push({ automaton, negated });
  }
  return { ok: true, language: { parts, complemented: false } };
}

export function languageOf(source: string, ignoreCase = false): Language | undefined {
  const read = readLanguage(source, ignoreCase);
  return read.ok ? read.language : undefined;
}

/** A measure of what it took to make the language. */
export function sizeOfLanguage({ parts }: Language): number {
  return parts.reduce((sum, { automaton }) => sum + automaton.size, 0);
}

export function languageOfWords(words: Iterable<string>, fuel: Fuel): Language {
  return { parts: [{ automaton: wordAutomaton(words, fuel), negated: false }], complemented: false };
}

export function languageContains(language: Language, text: string, fuel: Fuel): boolean {
  const inAll = language.parts.every((part) => automatonMatches(part.automaton, text, fuel) !== part.negated);
  return inAll !== language.complemented;
}

export type WordSearch = { found: 'word'; word: string } | { found: 'none' } | { found: 'unknown' };

const MAX_STATES = 4_000;
const MAX_WORD_LENGTH = 10_000;

/** Ranges from which a character is taken, the most readable first; surrogates last. */
const READABLE: readonly (readonly [number, number])[] = [
  [0x61, 0x7a],
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x2d, 0x2f],
  [0x21, 0x7e],
  [0x20, 0x20],
  [0xa1, 0xd7ff],
  [0x00, 0xa0],
  [0xe000, 0x10ffff],
  [0xd800, 0xdfff],
];

function readableIn(low: number, high: number): { codePoint: number; rank: number } {
  for (const [rank, [from, to]] of READABLE.entries()) {
    if (from <= high && to >= low) return { codePoint: Math.max(low, from), rank };
  }
  return { codePoint: low, rank: READABLE.length };
}

interface Step {
  to: number;
  codePoint: number;
}

/** The product of several languages, its states numbered as they are reached. */
class Product {
  readonly #languages: readonly Language[];
  readonly #automata: readonly Automaton[];
  readonly #fuel: Fuel;
  readonly #tuples: number[][] = [];
  readonly #known = new Map<string, number>();
  readonly #steps: (Step[] | undefined)[] = [];

  constructor(languages: readonly Language[], fuel: Fuel) {
    this.#languages = languages;
    this.#automata = languages.flatMap((language) => language.parts.map((part) => part.automaton));
    this.#fuel = fuel;
    this.#intern(this.#automata.map(() => 0));
  }

  get stateCount(): number {
    return this.#tuples.length;
  }

  accepts(state: number): boolean {
    const tuple = this.#tuples[state] ?? [];
    let at = 0;
    return this.#languages.every((language) => {
      let inAll = true;
      for (const part of language.parts) {
        if (part.automaton.accepts(tuple[at] ?? 0) === part.negated) inAll = false;
        at += 1;
      }
      return inAll !== language.complemented;
    });
  }

  steps(state: number): readonly Step[] {
    const known = this.#steps[state];
    if (known !== undefined) return known;
    const tuple = this.#tuples[state] ?? [];
    const cuts = new Set<number>();
    for (const [i, automaton] of this.#automata.entries()) {
      for (const cut of automaton.cuts(tuple[i] ?? 0)) cuts.add(cut);
    }
    const sorted = [...cuts].sort((a, b) => a - b);
    const choices = sorted.map((low, i) => readableIn(low, (sorted[i + 1] ?? 0x110000) - 1));
    choices.sort((a, b) => a.rank - b.rank || a.codePoint - b.codePoint);
    const steps = new Map<number, Step>();
    for (const { codePoint } of choices) {
      this.#fuel.spend(1 + this.#automata.length);
      const next = this.#automata.map((automaton, i) => automaton.step(tuple[i] ?? 0, codePoint, this.#fuel));
      const to = this.#intern(next);
      if (!steps.has(to)) steps.set(to, { to, codePoint });
    }
    const result = [...steps.values()];
    this.#steps[state] = result;
    return result;
  }

  #intern(tuple: number[]): number {
    const key = tuple.join(',');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, this.#tuples.push(tuple) - 1);
    return this.#tuples.length - 1;
  }
}

/** Breadth first: the shortest accepted word, or none, or too many states. */
function shortestWord(product: Product): WordSearch {
  const cameFrom = new Map<number, { from: number; codePoint: number } | undefined>([[0, undefined]]);
  let layer = [0];
  while (layer.length > 0) {
    const next: number[] = [];
    for (const state of layer) {
      if (product.accepts(state)) return { found: 'word', word: spell(cameFrom, state) };
      for (const step of product.steps(state)) {
        if (cameFrom.has(step.to)) continue;
        cameFrom.set(step.to, { from: state, codePoint: step.codePoint });
        next.push(step.to);
      }
      if (product.stateCount > MAX_STATES) return { found: 'unknown' };
    }
    layer = next;
  }
  return { found: 'none' };
}

function spell(
  cameFrom: ReadonlyMap<number, { from: number; codePoint: number } | undefined>,
  end: number,
): string {
  const points: number[] = [];
  for (let link = cameFrom.get(end); link !== undefined; link = cameFrom.get(link.from)) {
    points.push(link.codePoint);
  }
  return points
    .reverse()
    .map((point) => String.fromCodePoint(point))
    .join('');
}

/** States from which some accepting state can be reached; explores the whole product, undefined when that is too large. */
function liveStates(product: Product): Set<number> | undefined {
  const sources = new Map<number, number[]>();
  for (let state = 0; state < product.stateCount; state += 1) {
    for (const step of product.steps(state)) {
      const known = sources.get(step.to);
      if (known === undefined) sources.set(step.to, [state]);
      else known.push(state);
    }
    if (product.stateCount > MAX_STATES) return undefined;
  }
  const live = new Set<number>();
  const pending: number[] = [];
  for (let state = 0; state < product.stateCount; state += 1) if (product.accepts(state)) pending.push(state);
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    if (live.has(state)) continue;
    live.add(state);
    pending.push(...(sources.get(state) ?? []));
  }
  return live;
}

/** A word of at least `min` and at most `max` code points, where shorter words exist. */
function wordOfLength(product: Product, min: number, max: number, fuel: Fuel): WordSearch {
  const live = liveStates(product);
  if (live === undefined) return { found: 'unknown' };
  // Any accepted word of `min` or more can be shortened to less than `min` + the number of states.
  const last = Math.min(max, min + live.size);
  if (last > MAX_WORD_LENGTH && min > MAX_WORD_LENGTH) return { found: 'unknown' };
  type Link = { before: Link | undefined; codePoint: number };
  let layer = new Map<number, Link | undefined>([[0, undefined]]);
  for (let length = 0; layer.size > 0; length += 1) {
    if (length >= min) {
      for (const [state, link] of layer) {
        if (!product.accepts(state)) continue;
        const points: string[] = [];
        for (let at = link; at !== undefined; at = at.before) points.push(String.fromCodePoint(at.codePoint));
        return { found: 'word', word: points.reverse().join('') };
      }
    }
    if (length === last) break;
    const next = new Map<number, Link | undefined>();
    for (const [state, link] of layer) {
      for (const step of product.steps(state)) {
        fuel.spend();
        if (live.has(step.to) && !next.has(step.to)) {
          next.set(step.to, { before: link, codePoint: step.codePoint });
        }
      }
    }
    layer = next;
  }
  return { found: 'none' };
}

/** A string in all of the languages, with a length between `min` and `max` code points. */
export function findWord(languages: readonly Language[], min: number, max: number, fuel: Fuel): WordSearch {
  if (min > max) return { found: 'none' };
  if (languages.length === 0) {
    return min > MAX_WORD_LENGTH ? { found: 'unknown' } : { found: 'word', word: 'a'.repeat(min) };
  }
  const isContradiction = languages.some((language) =>
    languages.some((other) => other.parts === language.parts && other.complemented !== language.complemented),
  );
  if (isContradiction) return { found: 'none' };
  const product = new Product(languages, fuel);
  const shortest = shortestWord(product);
  if (shortest.found !== 'word') return shortest;
  const length = [...shortest.word].length;
  if (length > max) return { found: 'none' };
  return length >= min ? shortest : wordOfLength(product, min, max, fuel);
}
