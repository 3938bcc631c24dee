import type { Json } from '@signalbox/engine';
import type { Diagnostics } from '../diagnostics.js';
import { didYouMean } from '../nearest.js';
import { childOf, describeNode, jsonOf, placeOf, type SourceNode, textOf } from '../source/source-node.js';

/** Compiles a schema without running any of its patterns; the message of what is wrong with it, or undefined. */
export type CheckSchema = (schema: Json) => string | undefined;

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
  const message = check?.(jsonOf(node));
  if (message !== undefined) diagnostics.report('INVALID_SCHEMA', placeOf(node), message);
};
