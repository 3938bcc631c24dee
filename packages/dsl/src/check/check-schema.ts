import type { Json } from '@signalbox/engine';
import type { Diagnostics } from '../diagnostics.js';
import { didYouMean } from '../nearest.js';
import { childOf, describeNode, jsonOf, placeOf, type SourceNode, textOf } from '../source/source-node.js';

export interface SchemaProblem {
  readonly message: string;
  readonly hint?: string;
  /** Keys and indices that lead to the place in the schema; without them it is the schema as a whole. */
  readonly path?: readonly (string | number)[];
}

/** Compiles a schema without running any of its patterns; what is wrong with it, or undefined. */
export type CheckSchema = (schema: Json) => SchemaProblem | undefined;

const typeNames = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string'];

/** The commonest slip, told at its own place. */
const checkType = (schema: SourceNode, diagnostics: Diagnostics): boolean => {
  const node = childOf(schema, 'type');
  const type = textOf(node);
  if (node === undefined || type === undefined || typeNames.includes(type)) return true;
  const hint = didYouMean(type, typeNames) ?? `the types are ${typeNames.join(', ')}`;
  diagnostics.report('INVALID_SCHEMA', placeOf(node), `"${type}" is not a type of JSON Schema`, { hint });
  return false;
};

const checkTypes = (schema: SourceNode, diagnostics: Diagnostics): boolean => {
  const properties = childOf(schema, 'properties');
  const nested = properties?.kind === 'map' ? properties.entries.map((entry) => entry.value) : [];
  const items = childOf(schema, 'items');
  const inner = items === undefined ? nested : [...nested, items];
  const results = [checkType(schema, diagnostics), ...inner.map((one) => checkTypes(one, diagnostics))];
  return results.every(Boolean);
};

export const checkSchemaShape = (node: SourceNode, diagnostics: Diagnostics, check?: CheckSchema): void => {
  const isBoolean = node.kind === 'scalar' && typeof node.value === 'boolean';
  if (node.kind !== 'map' && !isBoolean) {
    const message = `a schema is an object or a boolean, not ${describeNode(node)}`;
    diagnostics.report('INVALID_SCHEMA', placeOf(node), message, { expected: 'an object' });
    return;
  }
  if (!checkTypes(node, diagnostics)) return;
  const problem = check?.(jsonOf(node));
  if (problem === undefined) return;
  const { message, hint, path = [] } = problem;
  const more = hint === undefined ? {} : { hint };
  diagnostics.report('INVALID_SCHEMA', placeOf(nodeAt(node, path)), message, more);
};

const nodeAt = (root: SourceNode, path: readonly (string | number)[]): SourceNode => {
  let node = root;
  for (const key of path) {
    const child = node.kind === 'list' ? node.items[Number(key)] : childOf(node, String(key));
    if (child === undefined) break;
    node = child;
  }
  return node;
};
