/**
 * Does a value satisfy a schema? An interpreter with three answers, so that what it cannot decide is never passed off as decided.
 *
 * 1. "valid" and "invalid" hold for JSON Schema and for ajv; where rounding makes the two differ (`multipleOf` on fractions) the answer is "unknown".
 * 2. Total: work is bounded by the fuel, depth by a limit; a schema that refers to itself in place is "unknown".
 */
import { formatAccepts, formatNamed, numberFormat, saysNothingOfStrings } from './formats.js';
import type { Fuel } from './fuel.js';
import {
  canonicalText,
  isJsonObject,
  type Json,
  type JsonObject,
  jsonEqual,
  jsonTypeOf,
  ownKeys,
} from './json.js';
import { isMultipleOf, rationalOf } from './rational.js';
import { languageContains } from './regex/language.js';
import type {
  ArrayKeywords,
  NumberKeywords,
  ObjectKeywords,
  Pattern,
  SchemaKeywords,
  SchemaNode,
  StringKeywords,
} from './schema-node.js';
import { unevaluatedMembers } from './unevaluated.js';

export type Validity = 'valid' | 'invalid' | 'unknown';

/** What to make of a format that is not known: `ignored` as validators do, `undecided` as a proof must. */
export type UnknownFormats = 'ignored' | 'undecided';

const MAX_DEPTH = 300;

function validityOf(isValid: boolean | undefined): Validity {
  return isValid === undefined ? 'unknown' : isValid ? 'valid' : 'invalid';
}

export function inverse(validity: Validity): Validity {
  return validity === 'unknown' ? 'unknown' : validity === 'valid' ? 'invalid' : 'valid';
}

/** "invalid" as soon as one part is, "unknown" if a part is, else "valid". Parts after an invalid one are not asked for. */
function allValid(parts: Iterable<Validity>): Validity {
  let result: Validity = 'valid';
  for (const part of parts) {
    if (part === 'invalid') return 'invalid';
    if (part === 'unknown') result = 'unknown';
  }
  return result;
}

function anyValid(parts: Iterable<Validity>): Validity {
  let result: Validity = 'invalid';
  for (const part of parts) {
    if (part === 'valid') return 'valid';
    if (part === 'unknown') result = 'unknown';
  }
  return result;
}

function countOf(parts: Iterable<Validity>): { valid: number; unknown: number } {
  const count = { valid: 0, unknown: 0 };
  for (const part of parts) {
    if (part === 'valid') count.valid += 1;
    if (part === 'unknown') count.unknown += 1;
  }
  return count;
}

export class Evaluator {
  readonly #fuel: Fuel;
  readonly #unknownFormats: UnknownFormats;
  #depth = 0;

  constructor(fuel: Fuel, unknownFormats: UnknownFormats) {
    this.#fuel = fuel;
    this.#unknownFormats = unknownFormats;
  }

  evaluate(node: SchemaNode, value: Json): Validity {
    this.#fuel.spend();
    if (this.#depth >= MAX_DEPTH) return 'unknown';
    this.#depth += 1;
    try {
      return this.#evaluateKeywords(node, value);
    } finally {
      this.#depth -= 1;
    }
  }

  matches(pattern: Pattern, text: string): boolean | undefined {
    return pattern.language === undefined ? undefined : languageContains(pattern.language, text, this.#fuel);
  }

  #evaluateKeywords(node: SchemaNode, value: Json): Validity {
    const keywords = node.keywords;
    if (keywords.always !== undefined) return validityOf(keywords.always);
    if (keywords.problems.length > 0) return 'unknown';
    return allValid(this.#partsOf(node, keywords, value));
  }

  *#partsOf(node: SchemaNode, keywords: SchemaKeywords, value: Json): Iterable<Validity> {
    if (keywords.types !== undefined) yield validityOf(hasType(keywords, value));
    for (const values of keywords.allowedValues) {
      this.#fuel.spend(values.length);
      yield validityOf(values.some((allowed) => jsonEqual(allowed, value)));
    }
    if (typeof value === 'number') yield* this.#numberParts(keywords.number, keywords.format, value);
    if (typeof value === 'string') yield* this.#stringParts(keywords.string, keywords.format, value);
    if (Array.isArray(value) && keywords.array !== undefined) yield* this.#arrayParts(keywords.array, value);
    if (isJsonObject(value) && keywords.object !== undefined)
      yield* this.#objectParts(keywords.object, value);
    yield* this.#combinedParts(keywords, value);
    if (keywords.array?.unevaluated !== undefined || keywords.object?.unevaluated !== undefined) {
      yield this.#unevaluated(node, value);
    }
  }

  *#combinedParts(keywords: SchemaKeywords, value: Json): Iterable<Validity> {
    const evaluate = (node: SchemaNode) => this.evaluate(node, value);
    if (keywords.reference !== undefined) yield evaluate(keywords.reference);
    for (const part of keywords.allOf) yield evaluate(part);
    if (keywords.anyOf !== undefined) yield anyValid(lazily(keywords.anyOf, evaluate));
    if (keywords.oneOf !== undefined) {
      const count = countOf(lazily(keywords.oneOf, evaluate));
      if (count.valid > 1) yield 'invalid';
      else if (count.unknown > 0) yield 'unknown';
      else yield validityOf(count.valid === 1);
    }
    if (keywords.not !== undefined) yield inverse(evaluate(keywords.not));
    if (keywords.condition !== undefined) yield this.#condition(keywords.condition, value);
  }

  #condition(condition: NonNullable<SchemaKeywords['condition']>, value: Json): Validity {
    const branch = (node: SchemaNode | undefined) =>
      node === undefined ? 'valid' : this.evaluate(node, value);
    const test = this.evaluate(condition.test, value);
    if (test === 'valid') return branch(condition.whenTrue);
    if (test === 'invalid') return branch(condition.whenFalse);
    const whenTrue = branch(condition.whenTrue);
    return whenTrue === branch(condition.whenFalse) ? whenTrue : 'unknown';
  }

  *#numberParts(
    keywords: NumberKeywords | undefined,
    format: string | undefined,
    value: number,
  ): Iterable<Validity> {
    if (format !== undefined) {
      const bounds = numberFormat(format);
      if (bounds !== undefined) {
        yield validityOf(Number.isInteger(value) && value >= bounds.low && value <= bounds.high);
      }
    }
    if (keywords === undefined) return;
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = keywords;
    if (minimum !== undefined) yield validityOf(value >= minimum);
    if (maximum !== undefined) yield validityOf(value <= maximum);
    if (exclusiveMinimum !== undefined) yield validityOf(value > exclusiveMinimum);
    if (exclusiveMaximum !== undefined) yield validityOf(value < exclusiveMaximum);
    if (multipleOf !== undefined) yield multipleValidity(value, multipleOf);
  }

  *#stringParts(
    keywords: StringKeywords | undefined,
    format: string | undefined,
    value: string,
  ): Iterable<Validity> {
    if (keywords?.minLength !== undefined || keywords?.maxLength !== undefined) {
      this.#fuel.spend(value.length >> 4);
      const length = [...value].length;
      if (keywords.minLength !== undefined) yield validityOf(length >= keywords.minLength);
      if (keywords.maxLength !== undefined) yield validityOf(length <= keywords.maxLength);
    }
    if (keywords?.pattern !== undefined) yield validityOf(this.matches(keywords.pattern, value));
    if (format !== undefined && !saysNothingOfStrings(format)) {
      const known = formatNamed(format);
      const accepted = formatAccepts(known, value, this.#fuel);
      const isIgnored = known.isIgnorable && this.#unknownFormats === 'ignored';
      yield validityOf(accepted ?? (isIgnored ? true : undefined));
    }
  }

  *#arrayParts(keywords: ArrayKeywords, value: readonly Json[]): Iterable<Validity> {
    if (keywords.minItems !== undefined) yield validityOf(value.length >= keywords.minItems);
    if (keywords.maxItems !== undefined) yield validityOf(value.length <= keywords.maxItems);
    for (const [index, item] of value.entries()) {
      const node = keywords.prefix[index] ?? keywords.rest;
      if (node !== undefined) yield this.evaluate(node, item);
    }
    if (keywords.uniqueItems) {
      this.#fuel.spend(value.length);
      yield validityOf(new Set(value.map(canonicalText)).size === value.length);
    }
    if (keywords.contains !== undefined) {
      const { node, min, max = Number.POSITIVE_INFINITY } = keywords.contains;
      const count = countOf(lazily(value, (item) => this.evaluate(node, item)));
      const [fewest, most] = [count.valid, count.valid + count.unknown];
      // ajv 8.20 skips `contains` where an array is shorter than its tuple.
      const isDisputed = value.length < keywords.prefix.length;
      if (most < min || fewest > max) yield isDisputed ? 'unknown' : 'invalid';
      else yield validityOf(fewest >= min && most <= max ? true : undefined);
    }
  }

  *#objectParts(keywords: ObjectKeywords, value: JsonObject): Iterable<Validity> {
    const keys = ownKeys(value);
    for (const key of keywords.required) yield validityOf(Object.hasOwn(value, key));
    if (keywords.minProperties !== undefined) yield validityOf(keys.length >= keywords.minProperties);
    if (keywords.maxProperties !== undefined) yield validityOf(keys.length <= keywords.maxProperties);
    for (const [key, names] of keywords.dependentRequired) {
      if (Object.hasOwn(value, key)) yield validityOf(names.every((name) => Object.hasOwn(value, name)));
    }
    for (const key of keys) {
      yield this.#member(keywords, key, value[key] ?? null);
      if (keywords.names !== undefined) yield this.evaluate(keywords.names, key);
    }
    for (const [key, node] of keywords.dependentSchemas) {
      if (Object.hasOwn(value, key)) yield this.evaluate(node, value);
    }
  }

  #member(keywords: ObjectKeywords, key: string, value: Json): Validity {
    const parts: Validity[] = [];
    const named = keywords.properties.get(key);
    let isCovered: boolean | undefined = named !== undefined;
    if (named !== undefined) parts.push(this.evaluate(named, value));
    for (const { pattern, node } of keywords.patterns) {
      const matches = this.matches(pattern, key);
      if (matches === false) continue;
      if (isCovered !== true) isCovered = matches;
      const validity = this.evaluate(node, value);
      parts.push(matches === undefined && validity === 'invalid' ? 'unknown' : validity);
    }
    if (keywords.additional !== undefined && isCovered !== true) {
      const validity = this.evaluate(keywords.additional, value);
      parts.push(isCovered === undefined && validity === 'invalid' ? 'unknown' : validity);
    }
    return allValid(parts);
  }

  #unevaluated(node: SchemaNode, value: Json): Validity {
    const members = unevaluatedMembers(this, node, value);
    if (members === undefined) return 'unknown';
    const { array, object } = node.keywords;
    const schema = Array.isArray(value) ? array?.unevaluated : object?.unevaluated;
    if (schema === undefined) return 'valid';
    return allValid(lazily(members, (member) => this.evaluate(schema, member)));
  }
}

function* lazily<Item, Result>(items: Iterable<Item>, map: (item: Item) => Result): Iterable<Result> {
  for (const item of items) yield map(item);
}

function hasType(keywords: SchemaKeywords, value: Json): boolean {
  const types = keywords.types;
  if (types === undefined || types.has(jsonTypeOf(value))) return true;
  return types.has('integer') && Number.isInteger(value);
}

function multipleValidity(value: number, step: number): Validity {
  const isExactMultiple = isMultipleOf(rationalOf(value), rationalOf(step));
  const ratio = value / step;
  const isFloatMultiple = Number.isInteger(ratio) && Math.abs(ratio) < 1e21;
  return isExactMultiple === isFloatMultiple ? validityOf(isExactMultiple) : 'unknown';
}
