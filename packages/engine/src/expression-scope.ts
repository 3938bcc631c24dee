/**
 * The names that an expression sees, the first that has one wins:
 *
 * 1. `ctx`, `input`, `run`; with a `dataPath` also `result`.
 * 2. With a `dataPath` whose value is an object: its fields.
 * 3. In a foreach: the item's name, and `index`; of nested foreachs the inner one.
 * 4. The root keys of the context.
 */
import { nodeAt, plainOf } from './context.js';
import { required } from './invariant-violation.js';
import { isJsonObject, type Json } from './json.js';
import type { Run, Scope } from './run-state.js';
import type { Lookup, Reads } from './world.js';

/** `data` is the value at a switch's `dataPath`. */
export const lookupIn = (run: Run, scope: Scope, data?: { readonly value: Json }): Lookup => {
  const { context } = scope;
  return (name, reads) => {
    if (name === 'ctx') return plainOf(context, reads);
    if (name === 'input') return run.started.input;
    if (name === 'run') return field(scope, name);
    if (data !== undefined) {
      if (name === 'result') return data.value;
      if (isJsonObject(data.value) && Object.hasOwn(data.value, name)) return data.value[name];
    }
    const item = itemNamed(run, scope, name);
    return item === undefined ? field(scope, name, reads) : item;
  };
};

const field = (scope: Scope, name: string, reads?: Reads): Json | undefined => {
  const node = scope.context.fields.get(name);
  return node === undefined ? undefined : plainOf(node, reads);
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
