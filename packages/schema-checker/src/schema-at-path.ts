/**
 * The schema of what stands at a path inside the values that a schema allows.
 *
 * 1. The result allows at least every value that can stand there (it may allow more), so a proof about it holds for the original.
 * 2. `mayBeAbsent: false` is said only when every allowed value has something at the path.
 */
import { bounded, DEFAULT_MAX_STEPS, openSchema } from './check-subset.js';
import type { Dialect } from './dialect.js';
import { Fuel } from './fuel.js';
import { isJsonObject, type Json, type JsonObject, ownKeys, ownValue } from './json.js';
import type { Pattern, SchemaNode } from './schema-node.js';
import { type SchemaDocument, SchemaRegistry } from './schema-registry.js';
import { languageContains } from './regex/language.js';

export interface SchemaAtPath {
  /**
   * A schema on its own: it carries the definitions its references need. `true` where nothing is known of the value.
   */
  readonly schema: Json;
  /** A value that the schema allows may have nothing at the path. */
  readonly mayBeAbsent: boolean;
  /** Some part of the schema names this path: a property by name, an item by its place or by `items`. */
  readonly isDeclared: boolean;
}

export type PathResult =
  | ({ readonly known: true } & SchemaAtPath)
  /** Nothing can be at this path in any allowed value. */
  | { readonly known: true; readonly schema: false; readonly mayBeAbsent: true; readonly isDeclared: false }
  | { readonly known: false; readonly why: string };

/** What is known of a member: the schemas that hold together for its value. */
interface Member {
  /** False: the member cannot be there. */
  schema: Json;
  mayBeAbsent: boolean;
  isDeclared: boolean;
}

const UNTOLD: Member = { schema: true, mayBeAbsent: true, isDeclared: false };
const MAX_DEPTH = 60;

class PathReader {
  readonly #document: SchemaDocument;
  readonly #fuel: Fuel;
  #depth = 0;

  constructor(document: SchemaDocument, fuel: Fuel) {
    this.#document = document;
    this.#fuel = fuel;
  }

  memberOf(schema: Json, token: string): Member {
    this.#fuel.spend(5);
    if (this.#depth >= MAX_DEPTH) return UNTOLD;
    this.#depth += 1;
    const member = this.#memberOf(this.#document.node(schema), token);
    this.#depth -= 1;
    return member;
  }

  #memberOf(node: SchemaNode, token: string): Member {
    const { keywords } = node;
    if (keywords.always === false) return { schema: false, mayBeAbsent: true, isDeclared: false };
    if (keywords.always === true) return UNTOLD;
    const parts: Member[] = [];
    if (keywords.allowedValues.length > 0) {
      parts.push(...keywords.allowedValues.map((values) => memberOfValues(values, token)));
    }
    parts.push(...this.#ownMembers(node, token));
    for (const part of [...keywords.allOf, ...(keywords.reference === undefined ? [] : [keywords.reference])]) {
      parts.push(this.memberOf(part.schema, token));
    }
    for (const alternatives of [keywords.anyOf, keywords.oneOf]) {
      if (alternatives === undefined) continue;
      parts.push(eitherOf(alternatives.map((part) => this.memberOf(part.schema, token))));
    }
    const condition = keywords.condition;
    if (condition?.whenTrue !== undefined && condition.whenFalse !== undefined) {
      const branches = [condition.whenTrue, condition.whenFalse];
      parts.push(eitherOf(branches.map((part) => this.memberOf(part.schema, token))));
    }
    return allOf(parts);
  }

  #ownMembers(node: SchemaNode, token: string): Member[] {
    const { types } = node.keywords;
    const canBeObject = types === undefined || types.has('object');
    const canBeArray = (types === undefined || types.has('array')) && isIndex(token);
    const isAlways = types?.size === 1;
    const members: Member[] = [];
    if (canBeObject) members.push(this.#property(node, token));
    if (canBeArray) members.push(itemOf(node, Number(token)));
    if (members.length === 0) return [{ schema: false, mayBeAbsent: true, isDeclared: false }];
    // Without `type` the value may as well be a string or a number, which have no members.
    return members.length > 1 || !isAlways ? [{ ...eitherOf(members), mayBeAbsent: !isRequiredOf(members, isAlways) }] : members;
  }

  #property(node: SchemaNode, key: string): Member {
    const object = node.keywords.object;
    if (object === undefined) return UNTOLD;
    const schemas: Json[] = [];
    const named = object.properties.get(key);
    if (named !== undefined) schemas.push(named.schema);
    let isCovered = named !== undefined;
    for (const { pattern, node: value } of object.patterns) {
      const matches = this.#matches(pattern, key);
      if (matches === true) schemas.push(value.schema);
      if (matches !== false) isCovered = true;
    }
    if (!isCovered && object.additional !== undefined) schemas.push(object.additional.schema);
    return {
      schema: conjunction(schemas),
      mayBeAbsent: !object.required.includes(key),
      isDeclared: named !== undefined || schemas.length > (isCovered ? 0 : 1),
    };
  }

  #matches(pattern: Pattern, key: string): boolean | undefined {
    return pattern.language === undefined ? undefined : languageContains(pattern.language, key, this.#fuel);
  }
}

function isRequiredOf(members: readonly Member[], isAlways: boolean): boolean {
  return isAlways && members.every((member) => !member.mayBeAbsent);
}

function isIndex(token: string): boolean {
  return /^(?:0|[1-9]\d{0,8})$/.test(token);
}

function itemOf(node: SchemaNode, index: number): Member {
  const array = node.keywords.array;
  if (array === undefined) return UNTOLD;
  const item = array.prefix[index] ?? array.rest;
  if (array.maxItems !== undefined && index >= array.maxItems) {
    return { schema: false, mayBeAbsent: true, isDeclared: false };
  }
  return {
    schema: item?.schema ?? true,
    mayBeAbsent: (array.minItems ?? 0) <= index,
    isDeclared: item !== undefined,
  };
}

function memberOfValues(values: readonly Json[], token: string): Member {
  const members = values.map((value): Member => {
    const found = Array.isArray(value)
      ? isIndex(token)
        ? value[Number(token)]
        : undefined
      : isJsonObject(value)
        ? ownValue(value, token)
        : undefined;
    return found === undefined
      ? { schema: false, mayBeAbsent: true, isDeclared: false }
      : { schema: { const: found }, mayBeAbsent: false, isDeclared: true };
  });
  return eitherOf(members);
}

function conjunction(schemas: readonly Json[]): Json {
  if (schemas.includes(false)) return false;
  const telling = schemas.filter((schema) => schema !== true && !isEmptyObject(schema));
  const [only] = telling;
  return only === undefined ? true : telling.length === 1 ? only : { allOf: telling };
}

function isEmptyObject(schema: Json): boolean {
  return isJsonObject(schema) && ownKeys(schema).length === 0;
}

function allOf(members: readonly Member[]): Member {
  if (members.length === 0) return UNTOLD;
  return {
    schema: conjunction(members.map((member) => member.schema)),
    mayBeAbsent: members.every((member) => member.mayBeAbsent),
    isDeclared: members.some((member) => member.isDeclared),
  };
}

function eitherOf(members: readonly Member[]): Member {
  const possible = members.filter((member) => member.schema !== false);
  const schemas = possible.map((member) => member.schema);
  const [only] = schemas;
  const isUntold = schemas.some((schema) => schema === true || isEmptyObject(schema));
  return {
    schema: only === undefined ? false : isUntold ? true : schemas.length === 1 ? only : { anyOf: schemas },
    mayBeAbsent: members.length === 0 || members.some((member) => member.mayBeAbsent),
    isDeclared: members.some((member) => member.isDeclared),
  };
}

const DEFINITIONS = ['$schema', '$id', '$defs', 'definitions'];
const LOCAL_DEFINITION = /^#\/(?:\$defs|definitions)\//;

/** Copies what references point at; undefined where a reference points elsewhere than at a definition. */
function withDefinitions(schema: Json, root: Json): Json | undefined {
  if (!isJsonObject(root) || !isJsonObject(schema) || schema === root) return schema;
  const references = referencesIn([schema, ...DEFINITIONS.map((keyword) => ownValue(root, keyword) ?? true)]);
  const result: JsonObject = {};
  const dialect = ownValue(root, '$schema');
  if (dialect !== undefined) result.$schema = dialect;
  if (references.length === 0) return Object.assign(result, schema);
  if (!references.every((reference) => LOCAL_DEFINITION.test(reference))) return undefined;
  for (const keyword of DEFINITIONS) {
    const value = ownValue(root, keyword);
    if (value !== undefined) result[keyword] = value;
  }
  result.allOf = [schema];
  return result;
}

function referencesIn(schemas: readonly Json[]): string[] {
  const references: string[] = [];
  const pending: Json[] = [...schemas];
  for (let item = pending.pop(); item !== undefined; item = pending.pop()) {
    if (Array.isArray(item)) pending.push(...item);
    if (!isJsonObject(item)) continue;
    for (const key of ownKeys(item)) {
      const value = item[key] ?? null;
      if ((key === '$ref' || key === '$dynamicRef') && typeof value === 'string') references.push(value);
      else pending.push(value);
    }
  }
  return references;
}

/** Follows a path through an opened schema. */
export function memberAt(document: SchemaDocument, fuel: Fuel, path: readonly (string | number)[]): Member {
  const reader = new PathReader(document, fuel);
  let member: Member = { schema: document.root.schema, mayBeAbsent: false, isDeclared: true };
  for (const token of path) {
    const next = reader.memberOf(member.schema, String(token));
    member = { ...next, mayBeAbsent: next.mayBeAbsent || member.mayBeAbsent };
  }
  return member;
}

/**
 * The schema of the value at `path` (property names and item indices) inside the values that `schema` allows, following
 * `$ref`, `allOf`, `anyOf`, `oneOf` and `if`. An empty path gives the schema itself. Never throws.
 */
export function schemaAtPath(
  schema: Json,
  path: readonly (string | number)[],
  options: { readonly dialect?: Dialect } = {},
): PathResult {
  const fuel = new Fuel(DEFAULT_MAX_STEPS);
  return bounded<PathResult>(
    () => {
      const document = openSchema(new SchemaRegistry(fuel), schema, options.dialect);
      if (typeof document === 'string') return { known: false, why: document };
      const member = memberAt(document, fuel, path);
      const whole = withDefinitions(member.schema, schema);
      if (whole === undefined) return { known: false, why: 'a reference points outside `$defs` and `definitions`' };
      return { known: true, ...member, schema: whole };
    },
    (why) => ({ known: false, why }),
  );
}
