/**
 * What is known of the values that states write, from the definition alone: which fields they have. What cannot be known (answers of
 * agents, scripts, expressions) is `unknown` and may have any field.
 */
import type { Path } from '@signalbox/engine';
import { childOf, itemsOf, type MapNode, type SourceNode, textOf } from '../source/source-node.js';
import type { ScopeModel, StateModel } from './scope-model.js';

export type ValueShape =
  | { readonly kind: 'unknown' }
  /** A text, number, boolean or null: nothing is within. */
  | { readonly kind: 'scalar' }
  | { readonly kind: 'list'; readonly item: ValueShape }
  | {
      readonly kind: 'object';
      readonly fields: Map<string, ValueShape>;
      /** Made on the way to what a state writes, so others may have put more into it. */
      readonly isIntermediate: boolean;
    };

const unknown: ValueShape = { kind: 'unknown' };
const scalar: ValueShape = { kind: 'scalar' };

const objectOf = (fields: Iterable<readonly [string, ValueShape]>, isIntermediate = false): ValueShape => ({
  kind: 'object',
  fields: new Map(fields),
  isIntermediate,
});

const templateShape = (node: SourceNode): ValueShape => {
  if (node.kind === 'scalar') return textOf(node)?.includes('{{') ? unknown : scalar;
  if (node.kind === 'map') return objectOf(node.entries.map(({ key, value }) => [key, templateShape(value)]));
  const [first, ...others] = node.items.map(templateShape);
  return { kind: 'list', item: first === undefined ? scalar : others.reduce(merged, first) };
};

/** A value that is one or the other, or both at once. */
const merged = (a: ValueShape, b: ValueShape): ValueShape => {
  if (a.kind === 'scalar' && b.kind === 'scalar') return scalar;
  if (a.kind === 'list' && b.kind === 'list') return { kind: 'list', item: merged(a.item, b.item) };
  if (a.kind !== 'object' || b.kind !== 'object') return unknown;
  const fields = new Map(a.fields);
  for (const [key, shape] of b.fields) {
    const other = fields.get(key);
    fields.set(key, other === undefined ? shape : merged(other, shape));
  }
  return { kind: 'object', fields, isIntermediate: a.isIntermediate || b.isIntermediate };
};

/** Puts a shape into `root` at the path. */
const put = (root: Map<string, ValueShape>, path: Path, shape: ValueShape): void => {
  const [first, ...rest] = path;
  if (first === undefined) return;
  const key = String(first);
  const there = root.get(key);
  if (rest.length === 0) {
    root.set(key, there === undefined ? shape : merged(there, shape));
    return;
  }
  if (there !== undefined && there.kind !== 'object') {
    root.set(key, unknown);
    return;
  }
  // What a state wrote is copied before others write into it: such shapes are shared, the intermediate ones are not.
  const fields = there?.isIntermediate === true ? there.fields : new Map(there?.fields);
  put(fields, rest, shape);
  root.set(key, { kind: 'object', fields, isIntermediate: there?.isIntermediate ?? true });
};

const approvalShape = objectOf([
  ['approved', scalar],
  ['decidedBy', unknown],
  ['comment', scalar],
  ['data', unknown],
  ['at', scalar],
]);

const isNumberAbove0 = (node: SourceNode | undefined): boolean =>
  node?.kind === 'scalar' && typeof node.value === 'number' && node.value > 0;

export class ValueShapes {
  readonly #writes = new Map<ScopeModel, ValueShape>();

  /** What the states of the scope write into it; made once. */
  writesOf(scope: ScopeModel): ValueShape {
    const known = this.#writes.get(scope);
    if (known !== undefined) return known;
    const fields = new Map<string, ValueShape>();
    for (const state of scope.states) {
      for (const path of state.mayWrite)
        put(fields, path, path === state.resultPath ? this.#resultOf(state) : unknown);
    }
    const shape: ValueShape = { kind: 'object', fields, isIntermediate: true };
    this.#writes.set(scope, shape);
    return shape;
  }

  /** What the scope hands over. */
  #outputOf(scope: ScopeModel): ValueShape {
    const output = childOf(scope.node, 'output');
    if (output !== undefined) return templateShape(output);
    const writes = this.writesOf(scope);
    return writes.kind === 'object' ? closed(writes.fields) : writes;
  }

  #resultOf(state: StateModel): ValueShape {
    const { node, children } = state;
    switch (state.type) {
      case 'inject': {
        const data = childOf(node, 'data');
        return data === undefined ? unknown : templateShape(data);
      }
      case 'operation':
        return textOf(childOf(node, 'action')) === 'human.approval' ? approvalShape : unknown;
      case 'parallel':
        return this.#parallel(node, children);
      case 'foreach': {
        const [iterator] = children;
        // A tolerated failure stands in the list in place of what an iteration hands over.
        const isUneven = isNumberAbove0(childOf(node, 'toleratedFailures'));
        return {
          kind: 'list',
          item: iterator === undefined || isUneven ? unknown : this.#outputOf(iterator),
        };
      }
      case 'workflow': {
        const wait = childOf(node, 'wait');
        return wait?.kind === 'scalar' && wait.value === false ? objectOf([['run_id', scalar]]) : unknown;
      }
      default:
        return unknown;
    }
  }

  #parallel(node: MapNode, children: readonly ScopeModel[]): ValueShape {
    const mode = textOf(childOf(childOf(node, 'join'), 'mode')) ?? 'all';
    if (mode !== 'all' || children.length !== itemsOf(childOf(node, 'branches')).length) return unknown;
    return objectOf(
      children.map((scope) => [textOf(childOf(scope.node, 'name')) ?? '', this.#outputOf(scope)] as const),
    );
  }
}

/** Nothing is added to what a scope has handed over. */
const closed = (fields: ReadonlyMap<string, ValueShape>): ValueShape =>
  objectOf(
    [...fields].map(([key, shape]) => [
      key,
      shape.kind === 'object' && shape.isIntermediate ? closed(shape.fields) : shape,
    ]),
  );

export type Found =
  | { readonly ok: true }
  /** `depth` keys of the path lead to a value that has `names`, the next key not among them. */
  | {
      readonly ok: false;
      readonly depth: number;
      readonly names: readonly string[];
      readonly isIntermediate: boolean;
    };

/** Whether the path can lead to a value within the shape. */
export const findIn = (shape: ValueShape, path: Path): Found => {
  let at = shape;
  for (const [depth, key] of path.entries()) {
    if (at.kind === 'unknown') return { ok: true };
    const next = stepInto(at, key);
    if (next === undefined) {
      const names = at.kind === 'object' ? [...at.fields.keys()] : [];
      return { ok: false, depth, names, isIntermediate: at.kind === 'object' && at.isIntermediate };
    }
    at = next;
  }
  return { ok: true };
};

const stepInto = (shape: ValueShape, key: string | number): ValueShape | undefined => {
  if (shape.kind === 'list') return typeof key === 'number' ? shape.item : undefined;
  return shape.kind === 'object' ? shape.fields.get(String(key)) : undefined;
};
