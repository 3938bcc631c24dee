/**
 * Which members of an array or object are left for `unevaluatedItems` and `unevaluatedProperties`.
 */
import { isJsonObject, type Json, ownKeys } from './json.js';
import type { Pattern, SchemaKeywords, SchemaNode } from './schema-node.js';

/** The validator that decides which branches of the schema hold. */
export interface Judge {
  evaluate(node: SchemaNode, value: Json): 'valid' | 'invalid' | 'unknown';
  matches(pattern: Pattern, text: string): boolean | undefined;
}

/** Schemas visited in place; more than this, as when a schema refers to itself in place, is undecided. */
const MAX_VISITS = 500;

class Undecided extends Error {}

/** Keys (or indices as text) that the schema evaluates, leaving out its own unevaluated keywords. */
class EvaluatedKeys {
  readonly keys = new Set<string>();
  readonly #judge: Judge;
  readonly #value: Json;
  #visitCount = 0;
  /** ajv counts every item as evaluated by `contains`, JSON Schema only those that match. */
  isDisputed = false;

  constructor(judge: Judge, value: Json) {
    this.#judge = judge;
    this.#value = value;
  }

  collect(node: SchemaNode, isRoot: boolean): void {
    const keywords = node.keywords;
    this.#visitCount += 1;
    if (keywords.problems.length > 0 || this.#visitCount > MAX_VISITS) throw new Undecided();
    if (Array.isArray(this.#value)) this.#collectItems(keywords, this.#value, isRoot);
    if (isJsonObject(this.#value)) this.#collectProperties(keywords, ownKeys(this.#value), isRoot);
    if (keywords.reference !== undefined) this.collect(keywords.reference, false);
    for (const part of keywords.allOf) this.collect(part, false);
    for (const part of [...(keywords.anyOf ?? []), ...(keywords.oneOf ?? [])]) {
      if (this.#holds(part)) this.collect(part, false);
    }
    if (keywords.condition !== undefined) {
      const { test, whenTrue, whenFalse } = keywords.condition;
      const holds = this.#holds(test);
      if (holds) this.collect(test, false);
      const branch = holds ? whenTrue : whenFalse;
      if (branch !== undefined) this.collect(branch, false);
    }
  }

  #holds(node: SchemaNode): boolean {
    const validity = this.#judge.evaluate(node, this.#value);
    if (validity === 'unknown') throw new Undecided();
    return validity === 'valid';
  }

  #collectItems(keywords: SchemaKeywords, items: readonly Json[], isRoot: boolean): void {
    const array = keywords.array;
    if (array === undefined) return;
    if (array.contains !== undefined) this.isDisputed = true;
    for (const [index, item] of items.entries()) {
      const isCovered =
        index < array.prefix.length ||
        array.rest !== undefined ||
        (array.unevaluated !== undefined && !isRoot) ||
        (array.contains !== undefined && this.#contains(array.contains.node, item));
      if (isCovered) this.keys.add(String(index));
    }
  }

  #contains(node: SchemaNode, item: Json): boolean {
    const validity = this.#judge.evaluate(node, item);
    if (validity === 'unknown') throw new Undecided();
    return validity === 'valid';
  }

  #collectProperties(keywords: SchemaKeywords, keys: readonly string[], isRoot: boolean): void {
    const object = keywords.object;
    if (object === undefined) return;
    const coversAll = object.additional !== undefined || (object.unevaluated !== undefined && !isRoot);
    for (const key of keys) {
      if (coversAll || object.properties.has(key) || this.#matchesPattern(object, key)) this.keys.add(key);
    }
    for (const [key, node] of object.dependentSchemas) if (keys.includes(key)) this.collect(node, false);
  }

  #matchesPattern(object: NonNullable<SchemaKeywords['object']>, key: string): boolean {
    return object.patterns.some(({ pattern }) => {
      const matches = this.#judge.matches(pattern, key);
      if (matches === undefined) throw new Undecided();
      return matches;
    });
  }
}

/** The values of the members that no other keyword evaluates; undefined where that cannot be decided. */
export function unevaluatedMembers(judge: Judge, node: SchemaNode, value: Json): Json[] | undefined {
  const evaluated = new EvaluatedKeys(judge, value);
  try {
    evaluated.collect(node, true);
  } catch (error) {
    if (error instanceof Undecided) return undefined;
    throw error;
  }
  if (Array.isArray(value)) {
    const left = value.filter((_, index) => !evaluated.keys.has(String(index)));
    return left.length > 0 && evaluated.isDisputed ? undefined : left;
  }
  if (!isJsonObject(value)) return [];
  return ownKeys(value)
    .filter((key) => !evaluated.keys.has(key))
    .map((key) => value[key] ?? null);
}
