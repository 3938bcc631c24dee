/**
 * Templates: JSON values whose texts may hold `{{ expressions }}`.
 *
 * 1. The end of an expression is found with Starlark's own strings and brackets in mind: `{{ {"a": {"b": 1}} }}` and `{{ "}}" }}` are whole.
 * 2. Scanning is a single pass from left to right; nothing is ever scanned again from an earlier place, so its time is linear.
 */
import { isJsonObject, type Json, type Template, type TextPart } from '@signalbox/engine';

/** An expression with the index in the text of its first character. */
export interface FoundExpression {
  readonly source: string;
  readonly index: number;
}

export interface TemplateError {
  readonly message: string;
  readonly index: number;
}

export type ScannedText =
  | { readonly ok: true; readonly template: Template; readonly expressions: readonly FoundExpression[] }
  | { readonly ok: false; readonly error: TemplateError };

/** Index after the string that begins at `at`. An unclosed string ends with its line, or with the text when it is of three quotes. */
const afterString = (text: string, at: number): number => {
  const quote = text[at] ?? '';
  const isTriple = text.startsWith(quote.repeat(3), at);
  const closing = isTriple ? quote.repeat(3) : quote;
  let index = at + closing.length;
  while (index < text.length) {
    if (text[index] === '\\') index += 2;
    else if (text.startsWith(closing, index)) return index + closing.length;
    else if (!isTriple && text[index] === '\n') return index;
    else index++;
  }
  return text.length;
};

const closerOf: { readonly [opener: string]: string } = { '(': ')', '[': ']', '{': '}' };

/**
 * Index of the `}}` that ends the expression which begins at `from`, or undefined. Brackets that do not match end it at the first
 * `}}` that cannot belong to them; the compiler then names the fault within.
 */
const endOfExpression = (text: string, from: number): number | undefined => {
  const awaited: string[] = [];
  let index = from;
  while (index < text.length) {
    const character = text[index] ?? '';
    if (character === '"' || character === "'") {
      index = afterString(text, index);
      continue;
    }
    const closer = awaited.at(-1);
    if (text.startsWith('}}', index)) {
      const closesDict = closer === '}' && (awaited.at(-2) === '}' || text[index + 2] === '}');
      if (!closesDict) return index;
    }
    if (Object.hasOwn(closerOf, character)) awaited.push(closerOf[character] ?? '');
    else if (character === closer) awaited.pop();
    index++;
  }
  return undefined;
};

const templateOf = (parts: readonly TextPart[], text: string): Template => {
  const [only] = parts;
  if (parts.length === 0) return { kind: 'literal', value: text };
  if (parts.length === 1 && only !== undefined) {
    return 'expression' in only
      ? { kind: 'expression', expression: only.expression }
      : { kind: 'literal', value: only.text };
  }
  return { kind: 'text', parts };
};

/** A single text as a template, with the places of its expressions. */
export const scanTemplateText = (text: string): ScannedText => {
  const parts: TextPart[] = [];
  const expressions: FoundExpression[] = [];
  let at = 0;
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', at)) {
    const end = endOfExpression(text, open + 2);
    if (end === undefined) {
      return { ok: false, error: { message: 'this {{ is never closed with }}', index: open } };
    }
    const inner = text.slice(open + 2, end);
    const source = inner.trim();
    if (source === '')
      return { ok: false, error: { message: 'there is no expression between {{ and }}', index: open } };
    if (open > at) parts.push({ text: text.slice(at, open) });
    parts.push({ expression: source });
    expressions.push({ source, index: open + 2 + (inner.length - inner.trimStart().length) });
    at = end + 2;
  }
  if (at < text.length) parts.push({ text: text.slice(at) });
  return { ok: true, template: templateOf(parts, text), expressions };
};

const isLiteral = (template: Template): boolean => template.kind === 'literal';

export class TemplateSyntaxError extends Error {
  readonly error: TemplateError;
  constructor(error: TemplateError) {
    super(error.message);
    this.name = 'TemplateSyntaxError';
    this.error = error;
  }
}

/** The value as a template. Parts without an expression become literals. Throws a `TemplateSyntaxError`. */
export const templateOfJson = (value: Json): Template => {
  if (typeof value === 'string') {
    const scanned = scanTemplateText(value);
    if (!scanned.ok) throw new TemplateSyntaxError(scanned.error);
    return scanned.template;
  }
  if (Array.isArray(value)) {
    const items = value.map((item: Json) => templateOfJson(item));
    return items.every(isLiteral) ? { kind: 'literal', value } : { kind: 'list', items };
  }
  if (isJsonObject(value)) {
    const fields = Object.entries(value).map(([key, field]) => [key, templateOfJson(field)] as const);
    return fields.every(([, field]) => isLiteral(field))
      ? { kind: 'literal', value }
      : { kind: 'object', fields };
  }
  return { kind: 'literal', value };
};

export type ParsedTemplate =
  | { readonly ok: true; readonly template: Template }
  | { readonly ok: false; readonly error: TemplateError };

/** The value as a template; `error.index` is an index into the text that holds the fault. */
export const parseTemplate = (value: Json): ParsedTemplate => {
  try {
    return { ok: true, template: templateOfJson(value) };
  } catch (error) {
    if (error instanceof TemplateSyntaxError) return { ok: false, error: error.error };
    throw error;
  }
};
