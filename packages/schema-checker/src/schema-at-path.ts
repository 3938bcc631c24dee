/**
 * The schema of what stands at a path inside the values that a schema allows.
 *
 * 1. The result allows at least every value that can stand there (it may allow more), so a proof about it holds for the original.
 * 2. `mayBeAbsent: false` is said only when it is proved that every allowed value has something at the path.
 */

import { literal } from './constraint.js';
import type { Dialect } from './dialect.js';
import { Fuel, type StepBudget } from './fuel.js';
import { isJsonObject, type Json, type JsonObject, objectOf, ownKeys, ownValue, setOwn } from './json.js';
import { bounded, DEFAULT_MAX_STEPS, openSchema } from './open-schema.js';
import { languageContains } from './regex/language.js';
import type { Pattern, SchemaNode } from './schema-node.js';
import { type SchemaDocument, SchemaRegistry } from './schema-registry.js';
import { Solver } from './solver.js';

export type SchemaPath = readonly (string | number)[];

export type SchemaAtPath =
  | {
      readonly known: true;
      /** Stands on its own: it carries what its references need. `true` where nothing is known, `false` where nothing can be there. */
      readonly schema: Json;
      /** Some value that the schema allows may have nothing at the path. */
      readonly mayBeAbsent: boolean;
      /** The schema names this path: a property by name or pattern, an item by its place or by `items`. */
      readonly isDeclared: boolean;
    }
  | { readonly known: false; readonly why: string };

interface Member {
  /** False: the member cannot be there. */
  readonly schema: Json;
  readonly isDeclared: boolean;
}

const UNTOLD: Member = { schema: true, isDeclared: false };
const IMPOSSIBLE: Member = { schema: false, isDeclared: false };
const MAX_DEPTH = 60;
const MAX_INDEX = 1_000;

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
    if (keywords.always !== undefined) return keywords.always ? UNTOLD : IMPOSSIBLE;
    const parts = keywords.allowedValues.map((values) => memberOfValues(values, token));
    parts.push(this.#ownMember(node, token));
    if (keywords.reference !== undefined) parts.push(this.memberOf(keywords.reference.schema, token));
    for (const part of keywords.allOf) parts.push(this.memberOf(part.schema, token));
    const { condition, anyOf, oneOf } = keywords;
    const branches =
      condition?.whenTrue === undefined || condition.whenFalse === undefined
        ? undefined
        : [condition.whenTrue, condition.whenFalse];
    for (const alternatives of [anyOf, oneOf, branches]) {
      if (alternatives === undefined) continue;
      parts.push(eitherOf(alternatives.map((part) => this.memberOf(part.schema, token))));
    }
    return together(parts);
  }

  #ownMember(node: SchemaNode, token: string): Member {
    const { types } = node.keywords;
    const possible: Member[] = [];
    if (types === undefined || types.has('object')) possible.push(this.#property(node, token));
    if ((types === undefined || types.has('array')) && isIndex(token))
      possible.push(itemOf(node, Number(token)));
    return eitherOf(possible);
  }

  #property(node: SchemaNode, key: string): Member {
    const object = node.keywords.object;
    if (object === undefined) return UNTOLD;
    const declared: Json[] = [];
    const named = object.properties.get(key);
    if (named !== undefined) declared.push(named.schema);
    let isCovered = named !== undefined;
    for (const { pattern, node: value } of object.patterns) {
      const matches = this.#matches(pattern, key);
      if (matches === true) declared.push(value.schema);
      if (matches !== false) isCovered = true;
    }
    if (!isCovered && object.additional !== undefined) {
      return { schema: object.additional.schema, isDeclared: false };
    }
    return { schema: conjunction(declared), isDeclared: declared.length > 0 };
  }

  #matches(pattern: Pattern, key: string): boolean | undefined {
    return pattern.language === undefined ? undefined : languageContains(pattern.language, key, this.#fuel);
  }
}

function isIndex(token: string): boolean {
  return /^(?:0|[1-9]\d{0,8})$/.test(token);
}

function itemOf(node: SchemaNode, index: number): Member {
  const array = node.keywords.array;
  if (array === undefined) return UNTOLD;
  if (array.maxItems !== undefined && index >= array.maxItems) return IMPOSSIBLE;
  const item = array.prefix[index] ?? array.rest;
  return { schema: item?.schema ?? true, isDeclared: item !== undefined };
}

function memberOfValue(value: Json, token: string): Json | undefined {
  if (Array.isArray(value)) return isIndex(token) ? value[Number(token)] : undefined;
  return isJsonObject(value) ? ownValue(value, token) : undefined;
}

function memberOfValues(values: readonly Json[], token: string): Member {
  const found = values.map((value) => memberOfValue(value, token)).filter((value) => value !== undefined);
  return found.length === 0 ? IMPOSSIBLE : { schema: { enum: found }, isDeclared: true };
}

function saysNothing(schema: Json): boolean {
  return schema === true || (isJsonObject(schema) && ownKeys(schema).length === 0);
}

function conjunction(schemas: readonly Json[]): Json {
  if (schemas.includes(false)) return false;
  const telling = [...new Set(schemas.filter((schema) => !saysNothing(schema)))];
  const [only] = telling;
  return only === undefined ? true : telling.length === 1 ? only : { allOf: telling };
}

function together(members: readonly Member[]): Member {
  return {
    schema: conjunction(members.map((member) => member.schema)),
    isDeclared: members.some((member) => member.isDeclared),
  };
}

function eitherOf(members: readonly Member[]): Member {
  const schemas = [...new Set(members.map((member) => member.schema).filter((schema) => schema !== false))];
  const [only] = schemas;
  const isDeclared = members.some((member) => member.isDeclared);
  if (only === undefined) return IMPOSSIBLE;
  return { schema: schemas.length === 1 ? only : { anyOf: schemas }, isDeclared };
}

/** Alternatives of which one says nothing say nothing; they are kept on the way down a path for what the others declare. */
function tidied(schema: Json): Json {
  if (!isJsonObject(schema)) return schema;
  const [keyword, ...others] = ownKeys(schema);
  const parts = keyword === undefined || others.length > 0 ? undefined : schema[keyword];
  if (!Array.isArray(parts)) return schema;
  if (keyword === 'allOf') return conjunction(parts.map(tidied));
  if (keyword !== 'anyOf') return schema;
  const alternatives = parts.map(tidied);
  return alternatives.some(saysNothing) ? true : { anyOf: alternatives };
}

const ROOT_NAME = 'schemaAtPathRoot';
const PLAIN_DATA = new Set(['enum', 'const', 'default', 'examples']);

/** Copies a schema with its local references pointing at a copy of the root below `$defs`. */
function withMovedReferences(schema: Json, counter: { count: number }): Json {
  if (Array.isArray(schema)) return schema.map((item) => withMovedReferences(item, counter));
  if (!isJsonObject(schema)) return schema;
  const result: JsonObject = {};
  for (const key of ownKeys(schema)) {
    const value = schema[key] ?? null;
    if (key === '$ref' && typeof value === 'string' && /^#(?:\/|$)/.test(value)) {
      counter.count += 1;
      setOwn(result, key, `#/$defs/${ROOT_NAME}${value.slice(1)}`);
    } else if (PLAIN_DATA.has(key)) {
      setOwn(result, key, value);
    } else {
      if (key === '$ref') counter.count += 1;
      setOwn(result, key, withMovedReferences(value, counter));
    }
  }
  return result;
}

function standingAlone(schema: Json, root: Json): Json {
  if (schema === root || !isJsonObject(schema)) return schema;
  const dialect = isJsonObject(root) ? ownValue(root, '$schema') : undefined;
  const head: [string, Json][] = dialect === undefined ? [] : [['$schema', dialect]];
  const counter = { count: 0 };
  const moved = withMovedReferences(schema, counter);
  if (counter.count === 0) {
    return dialect === undefined ? schema : objectOf([...head, ...Object.entries(schema)]);
  }
  const movedRoot = withMovedReferences(root, counter);
  if (isJsonObject(movedRoot)) {
    delete movedRoot.$schema;
    delete movedRoot.$id;
  }
  return objectOf([...head, ['$defs', objectOf([[ROOT_NAME, movedRoot]])], ['allOf', [moved]]]);
}

/** A schema of the values that have something at the path. */
function havingPath(path: SchemaPath): Json {
  return path.reduceRight<Json>((inner, token) => {
    const key = String(token);
    const hasProperty: Json = { type: 'object', required: [key], properties: objectOf([[key, inner]]) };
    if (!isIndex(key)) return hasProperty;
    // Too far to spell out: saying "never there" errs on the side of `mayBeAbsent`.
    if (Number(key) > MAX_INDEX) return false;
    const before: Json[] = Array.from({ length: Number(key) }, () => true);
    const hasItem: Json = { type: 'array', minItems: Number(key) + 1, prefixItems: [...before, inner] };
    return { anyOf: [hasProperty, hasItem] };
  }, true);
}

/** The member at a path of an opened schema; its schema still refers to that document. */
export function memberAt(document: SchemaDocument, fuel: Fuel, path: SchemaPath): Member {
  const reader = new PathReader(document, fuel);
  return path.reduce<Member>((member, token) => reader.memberOf(member.schema, String(token)), {
    schema: document.root.schema,
    isDeclared: true,
  });
}

/**
 * The schema of the value at `path` (property names and item indices) inside the values that `schema` allows, following
 * `$ref`, `allOf`, `anyOf`, `oneOf` and `if`. An empty path gives the schema itself. Never throws.
 */
export function schemaAtPath(
  schema: Json,
  path: SchemaPath,
  options: { readonly dialect?: Dialect; readonly maxSteps?: number; readonly budget?: StepBudget } = {},
): SchemaAtPath {
  const fuel = new Fuel(options.maxSteps ?? DEFAULT_MAX_STEPS, options.budget);
  const read = (): SchemaAtPath => {
    const registry = new SchemaRegistry(fuel);
    const document = openSchema(registry, schema, options.dialect);
    if (typeof document === 'string') return { known: false, why: document };
    if (document.root.keywords.problems.length > 0) {
      return { known: false, why: document.root.keywords.problems.join('; ') };
    }
    const member = memberAt(document, fuel, path);
    const found = path.length === 0 ? schema : tidied(member.schema);
    const solver = new Solver(registry);
    const absence = [literal(document.root, true), solver.synthetic(havingPath(path), false)];
    const mayBeAbsent = solver.solve(absence).kind !== 'empty';
    return { known: true, ...member, schema: standingAlone(found, schema), mayBeAbsent };
  };
  return bounded<SchemaAtPath>(read, (why) => ({ known: false, why }));
}
