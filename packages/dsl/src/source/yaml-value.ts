/** A YAML (or JSON) text that is no definition but a plain value, such as a run's input in a file: read as strictly. */
import type { Json } from '@signalbox/engine';
import { Diagnostics } from '../diagnostics.js';
import type { Issue } from '../issue.js';
import { limits } from '../limits.js';
import { lineIndexOf } from './line-index.js';
import { readSource } from './read-source.js';
import { jsonOf, type SourceNode } from './source-node.js';

export type ReadValue =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly errors: readonly Issue[] };

/** `what` is said in messages: `the input`. */
export const readYamlValue = (input: string | Uint8Array, what: string): ReadValue => {
  const { text, root, diagnostics } = readSource(input, what);
  if (root === undefined) return { ok: false, errors: diagnostics.errors };
  if (depthOf(root) <= limits.maxJsonDepth) return { ok: true, value: jsonOf(root) };
  const own = new Diagnostics(lineIndexOf(text));
  const message = `collections are nested deeper than the limit of ${limits.maxJsonDepth} levels`;
  own.report('LIMIT_EXCEEDED', { offset: root.start, pointer: '' }, message);
  return { ok: false, errors: own.errors };
};

/** The reader bounds the depth of the tree. */
const depthOf = (node: SourceNode): number => {
  if (node.kind === 'scalar') return 0;
  const children = node.kind === 'list' ? node.items : node.entries.map(({ value }) => value);
  return 1 + children.reduce((deepest, child) => Math.max(deepest, depthOf(child)), 0);
};
