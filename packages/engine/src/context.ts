/**
 * A scope's context: one JSON object that is written at paths.
 *
 * 1. A write costs the depth of its path, never the size of the context: the levels that are written to are
 *    persistent maps, everything below them is plain JSON. A plain object that is written into becomes a map once.
 * 2. Plain JSON is made again only of what somebody asks for, and only once for each version of it.
 * 3. No key of `forbiddenKeys` is ever a part of a path, and plain objects are made by `Object.fromEntries`, which
 *    defines own properties and calls no setter.
 */
import { InvariantViolation } from './invariant-violation.js';
import { isJsonObject, type Json } from './json.js';
import { forbiddenKeys, formatPath } from './path.js';
import { PersistentMap } from './persistent-map.js';
import type { Path } from './plan.js';
import type { Reads } from './world.js';

/** Roots that hold what the run was given; nothing writes there. */
export const reservedRoots: ReadonlySet<string> = new Set(['input', 'run']);

export type ContextNode = ContextMap | Json;

export class ContextMap {
  constructor(
    readonly fields: PersistentMap<ContextNode>,
    /**
     * True: in a scope's own writes this stands in for all that the parent's context holds here.
     * False: it lies over it, key by key.
     */
    readonly replacesAll: boolean,
  ) {}
}

export const emptyContext = new ContextMap(PersistentMap.empty(), false);

/** The context at a run's start: the input's fields with the reserved roots over them. */
export const contextOf = (
  input: Json,
  reserved: { readonly input: Json; readonly run: Json },
): ContextMap => {
  const fields = PersistentMap.from<ContextNode>(isJsonObject(input) ? Object.entries(input) : []);
  return new ContextMap(fields.set('input', reserved.input).set('run', reserved.run), false);
};

const plainForms = new WeakMap<ContextMap, Json>();

/** Plain JSON of a node; the same object each time for the same node. */
export const plain = (node: ContextNode): Json => {
  if (!(node instanceof ContextMap)) return node;
  const known = plainForms.get(node);
  if (known !== undefined) return known;
  const pairs: [string, Json][] = [];
  for (const [key, value] of node.fields.entries()) pairs.push([key, plain(value)]);
  const made = Object.fromEntries(pairs);
  plainForms.set(node, made);
  return made;
};

/** Plain JSON of what is read of a node. Costs what is read, not what there is. */
export const plainOf = (node: ContextNode, reads: Reads | undefined): Json => {
  if (reads === undefined || reads === true || !(node instanceof ContextMap)) return plain(node);
  const pairs: [string, Json][] = [];
  for (const [field, below] of Object.entries(reads)) {
    const child = node.fields.get(field);
    if (child !== undefined) pairs.push([field, plainOf(child, below)]);
  }
  return Object.fromEntries(pairs);
};

/** The context as an output: without the reserved roots. */
export const plainWithoutReserved = (context: ContextMap): Json => {
  const pairs: [string, Json][] = [];
  for (const [key, value] of context.fields.entries())
    if (!reservedRoots.has(key)) pairs.push([key, plain(value)]);
  return Object.fromEntries(pairs);
};

export const childOf = (node: ContextNode, part: string | number): ContextNode | undefined => {
  if (node instanceof ContextMap) return node.fields.get(String(part));
  if (Array.isArray(node)) return typeof part === 'number' ? (node as readonly Json[])[part] : undefined;
  if (isJsonObject(node)) return Object.hasOwn(node, part) ? node[String(part)] : undefined;
  return undefined;
};

const isObject = (node: ContextNode): boolean => node instanceof ContextMap || isJsonObject(node);

const keysOf = (node: ContextNode): readonly string[] | undefined => {
  if (node instanceof ContextMap) return [...node.fields.keys()];
  return isJsonObject(node) ? Object.keys(node) : undefined;
};

/** The node at a path, or undefined where there is none. */
export const nodeAt = (context: ContextNode, path: Path): ContextNode | undefined => {
  let node: ContextNode | undefined = context;
  for (const part of path) {
    if (node === undefined) return undefined;
    node = childOf(node, part);
  }
  return node;
};

const maxKeysShown = 20;

/** Why nothing is at `path`, in words: the first part that is missing, and what is there instead. */
export const explainAbsence = (context: ContextNode, path: Path): string => {
  let node: ContextNode = context;
  for (const [depth, part] of path.entries()) {
    const next = childOf(node, part);
    if (next !== undefined) {
      node = next;
      continue;
    }
    const where = formatPath(path.slice(0, depth));
    if (Array.isArray(node)) return `"${where}" is a list of ${node.length} and has no "${part}"`;
    const keys = keysOf(node);
    if (keys === undefined) return `"${where}" is ${kindOf(node)}, which has no fields`;
    const shown = keys.slice(0, maxKeysShown).join(', ');
    return `"${where}" has no field "${part}"; it has: ${shown === '' ? 'nothing' : shown}`;
  }
  return `"${formatPath(path)}" is there`;
};

/** `a list`, `text`, `null`: for messages. */
export const kindOf = (node: ContextNode): string => {
  if (node === null) return 'null';
  if (node instanceof ContextMap) return 'an object';
  if (Array.isArray(node)) return 'a list';
  if (typeof node === 'string') return 'text';
  return typeof node === 'object' ? 'an object' : `a ${typeof node}`;
};

/** Why a result cannot be written at a path, or undefined when it can. Holds until the context is written again. */
export const writeProblem = (context: ContextMap, path: Path): string | undefined => {
  let node: ContextNode | undefined = context;
  for (const [depth, part] of path.entries()) {
    if (typeof part === 'string' && forbiddenKeys.has(part)) return `"${part}" cannot be a key`;
    if (depth === 0 && reservedRoots.has(String(part)))
      return `"${part}" holds what the run was given and cannot be written`;
    if (node === undefined) {
      if (typeof part === 'number') return `"${formatPath(path)}" would write into a list`;
      continue;
    }
    if (!isObject(node) || typeof part === 'number')
      return `"${formatPath(path)}" cannot be written: "${formatPath(path.slice(0, depth))}" is ${kindOf(node)}, not an object`;
    node = childOf(node, part);
  }
  return undefined;
};

/** Why a value cannot be spread over the context's root (the empty path), or undefined when it can. */
export const spreadProblem = (value: Json): string | undefined => {
  if (!isJsonObject(value)) return `only an object can be written to the whole context, not ${kindOf(value)}`;
  for (const key of Object.keys(value)) {
    if (forbiddenKeys.has(key)) return `"${key}" cannot be a key`;
    if (reservedRoots.has(key)) return `"${key}" holds what the run was given and cannot be written`;
  }
  return undefined;
};

/**
 * The context with `value` at `path`; intermediate objects are made. At the empty path the value's fields are laid
 * over the root. Throws InvariantViolation where `writeProblem` or `spreadProblem` would have said no.
 */
export const withValueAt = (context: ContextMap, path: Path, value: Json): ContextMap => {
  if (path.length > 0) return written(context, path, 0, value);
  const problem = spreadProblem(value);
  if (problem !== undefined || !isJsonObject(value)) throw new InvariantViolation(problem);
  let fields = context.fields;
  for (const [key, field] of Object.entries(value)) fields = fields.set(key, field);
  return new ContextMap(fields, context.replacesAll);
};

const written = (node: ContextNode | undefined, path: Path, depth: number, value: Json): ContextMap => {
  const level = node === undefined ? emptyContext : asMap(node, path, depth);
  const part = path[depth];
  if (typeof part !== 'string') throw new InvariantViolation(`"${formatPath(path)}" writes into a list`);
  const isLast = depth === path.length - 1;
  const field = isLast ? value : written(level.fields.get(part), path, depth + 1, value);
  return new ContextMap(level.fields.set(part, field), level.replacesAll);
};

const asMap = (node: ContextNode, path: Path, depth: number): ContextMap => {
  if (node instanceof ContextMap) return node;
  if (!isJsonObject(node))
    throw new InvariantViolation(
      `"${formatPath(path.slice(0, depth))}" is ${kindOf(node)}, so "${formatPath(path)}" cannot be written`,
    );
  return new ContextMap(PersistentMap.from<ContextNode>(Object.entries(node)), true);
};

/** What a child scope sees: its own writes over its parent's context. */
export const overlay = (base: ContextMap, writes: ContextMap): ContextMap => {
  let fields = base.fields;
  for (const [key, node] of writes.fields.entries()) fields = fields.set(key, over(fields.get(key), node));
  return new ContextMap(fields, base.replacesAll);
};

const over = (base: ContextNode | undefined, node: ContextNode): ContextNode => {
  if (!(node instanceof ContextMap) || node.replacesAll || base === undefined) return node;
  if (base instanceof ContextMap) return overlay(base, node);
  return isJsonObject(base)
    ? overlay(new ContextMap(PersistentMap.from<ContextNode>(Object.entries(base)), true), node)
    : node;
};
