/**
 * Parses the regular subset of ECMAScript patterns (with the `u` flag) into a tree.
 *
 * 1. A pattern outside the subset (look-around in the middle, back-references, syntax errors) gives the reason: the
 *    caller then knows nothing about its language.
 * 2. Look-ahead directly after a leading `^` is supported: it is an intersection of languages.
 * 3. Nothing here is proportional to more than the pattern's length; nesting is limited.
 */
import {
  type CharSet,
  charSetOf,
  complementOf,
  DIGITS,
  foldAsciiCase,
  NOT_LINE_END,
  unionOf,
  WHITE_SPACE,
  WORD_CHARACTERS,
} from './char-set.js';
import { propertySet } from './unicode-property.js';

export type RegexTree =
  | { kind: 'set'; set: CharSet }
  | { kind: 'sequence'; parts: RegexTree[] }
  | { kind: 'choice'; parts: RegexTree[] }
  | { kind: 'repeat'; part: RegexTree; min: number; max: number }
  | { kind: 'start' }
  | { kind: 'end' }
  /** `\b`, or `\B` where it does not hold. */
  | { kind: 'boundary'; holds: boolean };

/** A string is in the language when every conjunct finds a match (or none, for a negated one). */
export interface Conjunct {
  tree: RegexTree;
  negated: boolean;
}

const MAX_PATTERN_LENGTH = 5_000;
const MAX_NESTING = 100;
const SYNTAX_CHARACTERS = '^$\\.*+?()[]{}|/';
const CONTROL_ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };

class OutsideSubset extends Error {
  constructor(readonly reason = 'it is not a pattern of ECMA-262 with the `u` flag') {
    super(reason);
  }
}

const LOOK_AROUND = 'look-around is supported only as look-ahead directly behind a leading `^`';
const BACK_REFERENCE = 'a back-reference is not supported';

class PatternParser {
  readonly #points: string[];
  readonly #ignoreCase: boolean;
  #at = 0;
  #depth = 0;

  constructor(source: string, ignoreCase: boolean) {
    this.#points = [...source];
    this.#ignoreCase = ignoreCase;
  }

  parse(): Conjunct[] {
    const lookaheads = this.#leadingLookaheads();
    const tree = this.#choice();
    if (this.#at < this.#points.length) throw new OutsideSubset();
    if (lookaheads.length === 0) return [{ tree, negated: false }];
    // `^(?=x)a|b` reads as `(^(?=x)a)|b`: the look-ahead binds to the first alternative only.
    if (tree.kind === 'choice') throw new OutsideSubset(`${LOOK_AROUND} that has no alternatives beside it`);
    const main: RegexTree = { kind: 'sequence', parts: [{ kind: 'start' }, tree] };
    return [...lookaheads, { tree: main, negated: false }];
  }

  #leadingLookaheads(): Conjunct[] {
    const found: Conjunct[] = [];
    if (this.#peek() !== '^') return found;
    const start = this.#at;
    this.#at += 1;
    for (;;) {
      const opening = this.#points.slice(this.#at, this.#at + 3).join('');
      if (opening !== '(?=' && opening !== '(?!') break;
      this.#at += 3;
      const inner = this.#choice();
      this.#expect(')');
      found.push({
        tree: { kind: 'sequence', parts: [{ kind: 'start' }, inner] },
        negated: opening === '(?!',
      });
    }
    if (found.length === 0) this.#at = start;
    return found;
  }

  #peek(): string | undefined {
    return this.#points[this.#at];
  }

  #take(): string {
    const point = this.#points[this.#at];
    if (point === undefined) throw new OutsideSubset();
    this.#at += 1;
    return point;
  }

  #accept(point: string): boolean {
    if (this.#peek() !== point) return false;
    this.#at += 1;
    return true;
  }

  #expect(point: string): void {
    if (!this.#accept(point)) throw new OutsideSubset();
  }

  #choice(): RegexTree {
    this.#depth += 1;
    if (this.#depth > MAX_NESTING)
      throw new OutsideSubset(`it has more than ${MAX_NESTING} groups in one another`);
    const parts = [this.#sequence()];
    while (this.#accept('|')) parts.push(this.#sequence());
    this.#depth -= 1;
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'choice', parts };
  }

  #sequence(): RegexTree {
    const parts: RegexTree[] = [];
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next === '|' || next === ')') break;
      parts.push(this.#term());
    }
    return { kind: 'sequence', parts };
  }

  #term(): RegexTree {
    if (this.#accept('^')) return { kind: 'start' };
    if (this.#accept('$')) return { kind: 'end' };
    const boundary = this.#boundary();
    if (boundary !== undefined) return boundary;
    const part = this.#atom();
    const bounds = this.#quantifier();
    if (bounds === undefined) return part;
    this.#accept('?');
    return { kind: 'repeat', part, min: bounds[0], max: bounds[1] };
  }

  #boundary(): RegexTree | undefined {
    const next = this.#points[this.#at + 1];
    if (this.#peek() !== '\\' || (next !== 'b' && next !== 'B')) return undefined;
    this.#at += 2;
    return { kind: 'boundary', holds: next === 'b' };
  }

  #quantifier(): [number, number] | undefined {
    if (this.#accept('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#accept('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#accept('?')) return [0, 1];
    if (!this.#accept('{')) return undefined;
    const min = this.#decimal();
    if (this.#accept('}')) return [min, min];
    this.#expect(',');
    if (this.#accept('}')) return [min, Number.POSITIVE_INFINITY];
    const max = this.#decimal();
    this.#expect('}');
    if (max < min) throw new OutsideSubset();
    return [min, max];
  }

  #decimal(): number {
    let digits = '';
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next < '0' || next > '9') break;
      digits += this.#take();
    }
    if (digits === '') throw new OutsideSubset();
    return Number(digits);
  }

  #atom(): RegexTree {
    const point = this.#take();
    switch (point) {
      case '.':
        return { kind: 'set', set: NOT_LINE_END };
      case '(':
        return this.#group();
      case '[':
        return this.#setOf(this.#characterClass());
      case '\\':
        return this.#setOf(this.#escape(false));
      default:
        if (SYNTAX_CHARACTERS.includes(point) && point !== '/') throw new OutsideSubset();
        return this.#setOf(single(codePointOf(point)));
    }
  }

  #setOf(set: CharSet): RegexTree {
    return { kind: 'set', set: this.#ignoreCase ? foldAsciiCase(set) : set };
  }

  #group(): RegexTree {
    if (this.#accept('?')) {
      if (this.#accept('<')) {
        const next = this.#take();
        if (next === '=' || next === '!') throw new OutsideSubset(LOOK_AROUND);
        while (this.#take() !== '>');
      } else if (!this.#accept(':')) {
        const next = this.#peek();
        throw new OutsideSubset(next === '=' || next === '!' ? LOOK_AROUND : undefined);
      }
    }
    const inner = this.#choice();
    this.#expect(')');
    return inner;
  }

  #characterClass(): CharSet {
    const negated = this.#accept('^');
    const sets: CharSet[] = [];
    while (!this.#accept(']')) {
      const low = this.#classMember();
      const isRange = this.#peek() === '-' && this.#points[this.#at + 1] !== ']';
      if (!isRange) {
        sets.push(low);
        continue;
      }
      this.#expect('-');
      const high = this.#classMember();
      sets.push(rangeBetween(low, high));
    }
    const folded = this.#ignoreCase ? foldAsciiCase(unionOf(sets)) : unionOf(sets);
    return negated ? complementOf(folded) : folded;
  }

  #classMember(): CharSet {
    const point = this.#take();
    return point === '\\' ? this.#escape(true) : single(codePointOf(point));
  }

  #escape(inClass: boolean): CharSet {
    const point = this.#take();
    const control = CONTROL_ESCAPES[point];
    if (control !== undefined) return single(control);
    switch (point) {
      case 'd':
        return DIGITS;
      case 'D':
        return complementOf(DIGITS);
      case 'w':
        return WORD_CHARACTERS;
      case 'W':
        return complementOf(WORD_CHARACTERS);
      case 's':
        return WHITE_SPACE;
      case 'S':
        return complementOf(WHITE_SPACE);
      case 'x':
        return single(this.#hex(2));
      case 'u':
        return single(this.#unicodeEscape());
      case 'c':
        return single(this.#controlLetter());
      case 'p':
      case 'P':
        return this.#property(point === 'P');
      case 'b':
        if (inClass) return single(8);
        throw new OutsideSubset();
      case '0':
        if (/\d/.test(this.#peek() ?? '')) throw new OutsideSubset();
        return single(0);
      default:
        if (!inClass && /[1-9k]/.test(point)) throw new OutsideSubset(BACK_REFERENCE);
        if (SYNTAX_CHARACTERS.includes(point) || (inClass && point === '-'))
          return single(codePointOf(point));
        throw new OutsideSubset();
    }
  }

  #property(isNegated: boolean): CharSet {
    this.#expect('{');
    let name = '';
    while (!this.#accept('}')) name += this.#take();
    const set = propertySet(name);
    if (set === undefined) throw new OutsideSubset();
    // Case folding over all of Unicode is not worth its care: only formats ignore case, and none has a property.
    return isNegated ? complementOf(set) : set;
  }

  #controlLetter(): number {
    const letter = this.#take();
    if (!/^[a-zA-Z]$/.test(letter)) throw new OutsideSubset();
    return codePointOf(letter) % 32;
  }

  #hex(length: number): number {
    let digits = '';
    for (let i = 0; i < length; i += 1) digits += this.#take();
    if (!/^[0-9a-fA-F]+$/.test(digits)) throw new OutsideSubset();
    return Number.parseInt(digits, 16);
  }

  #unicodeEscape(): number {
    if (this.#accept('{')) {
      let digits = '';
      while (!this.#accept('}')) digits += this.#take();
      const value = Number.parseInt(digits, 16);
      if (!/^[0-9a-fA-F]+$/.test(digits) || value > 0x10ffff) throw new OutsideSubset();
      return value;
    }
    const unit = this.#hex(4);
    if (unit < 0xd800 || unit > 0xdfff) return unit;
    const low = this.#lowSurrogate(unit);
    return low === undefined ? unit : (unit - 0xd800) * 0x400 + (low - 0xdc00) + 0x10000;
  }

  /** With the `u` flag two escapes that make a surrogate pair are one code point. */
  #lowSurrogate(high: number): number | undefined {
    if (high > 0xdbff) return undefined;
    const low = /^\\u([dD][c-fC-F][0-9a-fA-F]{2})$/.exec(this.#points.slice(this.#at, this.#at + 6).join(''));
    if (low === null) return undefined;
    this.#at += 6;
    return Number.parseInt(low[1] ?? '', 16);
  }
}

function codePointOf(point: string): number {
  return point.codePointAt(0) ?? 0;
}

function single(codePoint: number): CharSet {
  return [codePoint, codePoint];
}

function rangeBetween(low: CharSet, high: CharSet): CharSet {
  const [from = 0, fromEnd] = low;
  const [to = 0, toEnd] = high;
  if (low.length !== 2 || high.length !== 2 || from !== fromEnd || to !== toEnd || from > to) {
    throw new OutsideSubset();
  }
  return charSetOf([[from, to]]);
}

export type ParsedPattern =
  | { readonly ok: true; readonly conjuncts: readonly Conjunct[] }
  | { readonly ok: false; readonly reason: string };

/** The conjuncts of a pattern, or why it is outside the regular subset. */
export function parsePattern(source: string, ignoreCase = false): ParsedPattern {
  if (source.length > MAX_PATTERN_LENGTH) {
    return { ok: false, reason: `it has more than ${MAX_PATTERN_LENGTH} characters` };
  }
  try {
    return { ok: true, conjuncts: new PatternParser(source, ignoreCase).parse() };
  } catch (error) {
    if (error instanceof OutsideSubset) return { ok: false, reason: error.reason };
    throw error;
  }
}
