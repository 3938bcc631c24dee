/**
 * The names that an expression sees, the first that has one wins:
 *
 * 1. `ctx`, `input`, `run`; with a `dataPath` also `result`.
 * 2. With a `dataPath` whose value is an object: its fields.
 * 3. In a foreach: the item's name, and `index`; of nested foreachs the inner one.
 * 4. The root keys of the context.
 */
import { type ContextNode, childOf, nodeAt, plainOf } from './context.js';
import { required } from './invariant-violation.js';
import type { Json } from './json.js';
import { sizeUpTo } from './reading.js';
import type { Run, Scope } from './run-state.js';
import type { Lookup } from './world.js';

/** Gives values until more than `maxBytes` have been asked for, and nothing from there on. */
export interface Reading {
  readonly lookup: Lookup;
  readonly isTooLarge: () => boolean;
}

/** `data` is what stands at a switch's `dataPath`. */
export const readingIn = (
  run: Run,
  scope: Scope,
  data: ContextNode | undefined,
  maxBytes: number,
): Reading => {
  let bytes = 0;
  return {
    isTooLarge: () => bytes >= maxBytes,
    lookup: (name, reads) => {
      const node = nodeNamed(run, scope, name, data);
      if (node === undefined) return undefined;
      if (bytes < maxBytes) bytes += sizeUpTo(node, reads, maxBytes - bytes);
      return bytes < maxBytes ? plainOf(node, reads) : undefined;
    },
  };
};

const nodeNamed = (
  run: Run,
  scope: Scope,
  name: string,
  data: ContextNode | undefined,
): ContextNode | undefined => {
  const { context } = scope;
  if (name === 'ctx') return context;
  if (name === 'input') return run.started.input;
  if (name === 'run') return context.fields.get(name);
  if (data !== undefined) {
    if (name === 'result') return data;
    const field = childOf(data, name);
    if (field !== undefined) return field;
  }
  const item = itemNamed(run, scope, name);
  return item === undefined ? context.fields.get(name) : item;
};

/**
 * Walks outwards. The items are read where the foreach found them: its scope's context cannot change while it runs.
 */
const itemNamed = (run: Run, from: Scope, name: string): Json | undefined => {
  let scope = from;
  while (scope.parent !== undefined) {
    const { stepId, index } = scope.parent;
    const join = required(run.joins.get(stepId), `join ${stepId}`);
    const outer = required(run.scopes.get(join.scope), `scope "${join.scope}"`);
    if (join.items !== undefined) {
      if (name === join.items.name) {
        const items = nodeAt(outer.context, join.items.path);
        return Array.isArray(items) ? (items as readonly Json[])[index] : undefined;
      }
      if (name === 'index') return index;
    }
    scope = outer;
  }
  return undefined;
};

/** What flows into an agent without hand-written glue: the last output of this scope, else of the one around it. */
export const previousOutput = (run: Run, scope: Scope): Json => {
  if (scope.previous !== undefined) return scope.previous.output;
  if (scope.parent === undefined) return run.started.input;
  const join = required(run.joins.get(scope.parent.stepId), `join ${scope.parent.stepId}`);
  return previousOutput(run, required(run.scopes.get(join.scope), `scope "${join.scope}"`));
};
