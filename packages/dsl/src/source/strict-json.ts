/**
 * JSON text (RFC 8259) from outside, read strictly: what `JSON.parse` would change in silence is a fault with its place.
 *
 * 1. Nesting is bounded by `limits.maxJsonDepth`, so that nobody who walks the value later runs out of stack.
 * 2. A number is kept exactly, or to the 17 digits that a double prints; a larger one, one with more digits, or one that
 *    would become 0 is a fault. So are a key that stands twice, half a surrogate pair, a byte order mark, bad UTF-8.
 * 3. The text is only checked here; the value is `JSON.parse`'s own.
 */
import type { Json } from '@signalbox/engine';
import { limits } from '../limits.js';
import { lineIndexOf } from './line-index.js';
import { decodeUtf8 } from './utf8.js';

export interface JsonFault {
  /** Said of the place, without it. */
  readonly message: string;
  /** JSON pointer of the value; empty for the whole. */
  readonly path: string;
  /** From 1; columns in UTF-16 units. */
  readonly line: number;
  readonly column: number;
}

export type JsonRead =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly fault: JsonFault };

class Fault extends Error {
  constructor(
    message: string,
    readonly offset: number,
    readonly path: string,
  ) {
    super(message);
  }
}

const blank = /[ \t\n\r]*/y;
const escapeToken = /\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/y;
const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordToken = /true|false|null/y;
const loneSurrogate = /\p{Surrogate}/u;
const quote = 0x22;
const backslash = 0x5c;
const maxShownCharacters = 40;

/** Bytes must be UTF-8. */
export const readJson = (input: string | Uint8Array): JsonRead => {
  if (typeof input === 'string') return readJsonText(input);
  const read = readUtf8(input);
  return read.ok ? readJsonText(read.text) : read;
};

export type Utf8Read =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly fault: JsonFault };

export const readUtf8 = (bytes: Uint8Array): Utf8Read => {
  const decoded = decodeUtf8(bytes);
  if (decoded.ok) return decoded;
  const before = decodeUtf8(bytes.subarray(0, decoded.offset));
  const text = before.ok ? before.text : '';
  return faultAt(text, new Fault(`byte ${decoded.offset} is not UTF-8`, text.length, ''));
};

const readJsonText = (text: string): JsonRead => {
  try {
    new Checker(text).check();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return faultAt(text, error);
  }
  return { ok: true, value: JSON.parse(text) as Json };
};

const faultAt = (text: string, { message, offset, path }: Fault): { ok: false; fault: JsonFault } => ({
  ok: false,
  fault: { message, path, ...lineIndexOf(text).position(offset) },
});

class Checker {
  readonly #text: string;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  check(): void {
    if (this.#text.startsWith('\uFEFF')) this.#fail('a JSON text must not begin with a byte order mark');
    this.#value();
    if (this.#at < this.#text.length) this.#unexpected('the end of the text');
  }

  /** Leaves the place behind the value and the blanks after it. */
  #value(): void {
    this.#skipBlank();
    const first = this.#text[this.#at];
    if (first === '{') this.#collection('}', () => this.#entries());
    else if (first === '[') this.#collection(']', () => this.#items());
    else if (first === '"') this.#string();
    else if (first !== undefined && (first === '-' || (first >= '0' && first <= '9'))) this.#number();
    else if (this.#take(wordToken) === undefined) this.#unexpected('a value');
    this.#skipBlank();
  }

  #collection(close: string, contents: () => void): void {
    if (this.#path.length >= limits.maxJsonDepth)
      this.#fail(`collections are nested deeper than the limit of ${limits.maxJsonDepth} levels`);
    this.#at += 1;
    this.#skipBlank();
    if (this.#text[this.#at] !== close) contents();
    if (this.#text[this.#at] !== close) this.#unexpected(`"," or "${close}"`);
    this.#at += 1;
  }

  #entries(): void {
    const keys = new Set<string>();
    const depth = this.#path.length;
    do {
      this.#skipBlank();
      const keyAt = this.#at;
      if (this.#text[keyAt] !== '"') this.#unexpected('a key in double quotes');
      const key = this.#string();
      this.#path[depth] = key;
      if (keys.has(key)) this.#fail(`the key ${shown(key)} stands twice in one object`, keyAt);
      keys.add(key);
      this.#skipBlank();
      if (this.#text[this.#at] !== ':') this.#unexpected('":"');
      this.#at += 1;
      this.#value();
    } while (this.#takeComma());
    this.#path.length = depth;
  }

  #items(): void {
    const depth = this.#path.length;
    let index = 0;
    do {
      this.#path[depth] = index;
      index += 1;
      this.#value();
    } while (this.#takeComma());
    this.#path.length = depth;
  }

  /** Character by character: a regular expression would need room for each of a million. */
  #string(): string {
    const start = this.#at;
    this.#at += 1;
    let hasEscape = false;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === quote) break;
      if (Number.isNaN(code)) return this.#fail('a text has no closing quote', start);
      if (code < 0x20) return this.#fail('a text holds a control character; write it as an escape');
      if (code !== backslash) this.#at += 1;
      else if (this.#take(escapeToken) === undefined) return this.#fail('the escape is not one of JSON');
      else hasEscape = true;
    }
    this.#at += 1;
    const token = this.#text.slice(start, this.#at);
    const value = hasEscape ? (JSON.parse(token) as string) : token.slice(1, -1);
    if (loneSurrogate.test(value)) this.#fail('the text holds half of a surrogate pair', start);
    return value;
  }

  #number(): void {
    const at = this.#at;
    const token = this.#take(numberToken);
    if (token === undefined) this.#unexpected('a number');
    const fault = numberFault(token ?? '');
    if (fault !== undefined) this.#fail(`${shown(token ?? '')} ${fault}`, at);
  }

  #takeComma(): boolean {
    if (this.#text[this.#at] !== ',') return false;
    this.#at += 1;
    return true;
  }

  #skipBlank(): void {
    this.#take(blank);
  }

  #take(token: RegExp): string | undefined {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #unexpected(wanted: string): never {
    const found = this.#text[this.#at];
    return this.#fail(
      `${wanted} was expected, not ${found === undefined ? 'the end of the text' : shown(found)}`,
    );
  }

  #fail(message: string, offset = this.#at): never {
    throw new Fault(message, offset, pointerTo(this.#path));
  }
}

const shown = (text: string): string =>
  JSON.stringify(text.length > maxShownCharacters ? `${text.slice(0, maxShownCharacters)}…` : text);

const pointerTo = (path: readonly (string | number)[]): string =>
  path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** As many digits as a double needs in decimal: programs print them, though fewer would do. */
const doubleDigits = 17;

const numberFault = (token: string): string | undefined => {
  // The common case: short enough to be exact.
  if (token.length <= 15 && !/[eE]/.test(token)) return undefined;
  const value = Number(token);
  if (!Number.isFinite(value)) return 'is larger than any number that can be kept';
  const written = significantDigits(token);
  const kept = significantDigits(String(value));
  if (written.digits === kept.digits && written.exponent === kept.exponent) return undefined;
  const isWhole = written.exponent >= 0;
  if (!isWhole && written.digits.length <= doubleDigits && kept.digits !== '') return undefined;
  return 'would lose digits; send it as a text';
};

/** The digits between the first and the last that are not 0, and the power of ten of the last one. */
const significantDigits = (token: string): { readonly digits: string; readonly exponent: number } => {
  const [mantissa = '', power = '0'] = token.replace(/^-/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  if (digits === '') return { digits, exponent: 0 };
  return { digits, exponent: Number(power) - fraction.length + (all.length - digits.length) };
};
