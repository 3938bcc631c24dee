/**
 * Which properties a schema may evaluate in place, as far as they are known by name. It is what `unevaluatedProperties` leaves out.
 */
import type { SchemaKeywords, SchemaNode } from './schema-node.js';

export interface EvaluatedNames {
  readonly names: ReadonlySet<string>;
  /** No property outside of `names` is ever evaluated. */
  readonly isComplete: boolean;
  /** As `isComplete`, and every property in `names` is evaluated whenever the schema holds. */
  readonly isCertain: boolean;
}

const MAX_VISITS = 200;

function subschemas(keywords: SchemaKeywords): { always: SchemaNode[]; sometimes: SchemaNode[] } {
  const { allOf, anyOf, oneOf, reference, condition, object } = keywords;
  const branches = [condition?.test, condition?.whenTrue, condition?.whenFalse];
  return {
    always: reference === undefined ? [...allOf] : [...allOf, reference],
    sometimes: [
      ...(anyOf ?? []),
      ...(oneOf ?? []),
      ...branches.filter((node) => node !== undefined),
      ...(object?.dependentSchemas.values() ?? []),
    ],
  };
}

function reachesUnnamed(keywords: SchemaKeywords, isRoot: boolean): boolean {
  const object = keywords.object;
  if (keywords.problems.length > 0) return true;
  if (object === undefined) return false;
  return (
    object.additional !== undefined ||
    object.patterns.length > 0 ||
    (object.unevaluated !== undefined && !isRoot)
  );
}

export function evaluatedNames(root: SchemaNode): EvaluatedNames {
  const names = new Set<string>();
  const visited = new Set<number>();
  let isComplete = true;
  let isCertain = true;
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (visited.has(node.id)) continue;
    visited.add(node.id);
    if (visited.size > MAX_VISITS || reachesUnnamed(node.keywords, node === root)) isComplete = false;
    if (visited.size > MAX_VISITS) break;
    for (const key of node.keywords.object?.properties.keys() ?? []) names.add(key);
    const { always, sometimes } = subschemas(node.keywords);
    if (sometimes.length > 0) isCertain = false;
    pending.push(...always, ...sometimes);
  }
  return { names, isComplete, isCertain: isComplete && isCertain };
}
