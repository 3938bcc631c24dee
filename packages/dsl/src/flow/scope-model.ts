/**
 * The definition as scopes, states and the transitions between them, made from the tree whether or not it has faults.
 *
 * 1. A state whose name is missing or taken is in `states` but answers to no name.
 * 2. Paths and targets that do not parse or do not exist are left out here; they are reported elsewhere.
 */
import type { Path } from '@signalbox/engine';
import { parsePath, parseWritePath } from '../language/path.js';
import { isStateType, type StateType } from '../language/state-shapes.js';
import { childOf, itemsOf, type MapNode, type SourceNode, textOf } from '../source/source-node.js';

export interface Transition {
  readonly kind: 'next' | 'condition' | 'default' | 'catch' | 'end';
  /** Undefined at the scope's end, and where the name is not that of a state. */
  readonly to: StateModel | undefined;
  /** What is certainly written when the transition is taken, beyond what was there before. */
  readonly writes: Path | undefined;
}

export interface StateModel {
  readonly name: string;
  readonly type: StateType | undefined;
  readonly node: MapNode;
  readonly scope: ScopeModel;
  readonly resultPath: Path | undefined;
  /** Everything that the state may write into its scope, its caught errors too. */
  readonly mayWrite: readonly Path[];
  readonly transitions: Transition[];
  readonly children: ScopeModel[];
}

export interface ScopeModel {
  readonly node: MapNode;
  /** The parallel or foreach around it; undefined for the root. */
  readonly parent: StateModel | undefined;
  /** 1 for the root. */
  readonly depth: number;
  /** Of a foreach: the name of its item. */
  readonly itemName: string | undefined;
  readonly states: StateModel[];
  readonly byName: Map<string, StateModel>;
  start: StateModel | undefined;
}

export interface WorkflowModel {
  readonly root: ScopeModel;
  readonly scopes: readonly ScopeModel[];
  readonly stateCount: number;
  /** The state or scope that a map of the tree is. */
  readonly ownerOf: (node: MapNode) => StateModel | ScopeModel | undefined;
}

export const isState = (owner: StateModel | ScopeModel): owner is StateModel => 'transitions' in owner;

const writingTypes: ReadonlySet<StateType> = new Set<StateType>([
  'operation',
  'parallel',
  'foreach',
  'inject',
  'transform',
  'signal',
  'workflow',
]);

const writePathOf = (node: SourceNode | undefined): Path | undefined => {
  const text = textOf(node);
  if (text === undefined) return undefined;
  const parsed = parseWritePath(text);
  return parsed.ok ? parsed.path : undefined;
};

const resultPathOf = (node: MapNode, name: string, type: StateType | undefined): Path | undefined => {
  if (type === undefined || !writingTypes.has(type)) return undefined;
  const given = childOf(node, 'resultPath');
  if (given !== undefined) return writePathOf(given);
  return name === '' ? undefined : ['steps', name];
};

const isTrue = (node: SourceNode | undefined): boolean => node?.kind === 'scalar' && node.value === true;

class ModelBuilder {
  readonly scopes: ScopeModel[] = [];
  readonly owners = new Map<MapNode, StateModel | ScopeModel>();
  stateCount = 0;

  scope(node: MapNode, parent: StateModel | undefined, itemName: string | undefined): ScopeModel {
    const depth = (parent?.scope.depth ?? 0) + 1;
    const scope: ScopeModel = {
      node,
      parent,
      depth,
      itemName,
      states: [],
      byName: new Map(),
      start: undefined,
    };
    this.scopes.push(scope);
    this.owners.set(node, scope);
    for (const item of itemsOf(childOf(node, 'states'))) if (item.kind === 'map') this.state(item, scope);
    const start = textOf(childOf(node, 'start'));
    scope.start = start === undefined ? scope.states[0] : scope.byName.get(start);
    for (const state of scope.states) connect(state);
    return scope;
  }

  state(node: MapNode, scope: ScopeModel): void {
    this.stateCount++;
    const name = textOf(childOf(node, 'name')) ?? '';
    const typeText = textOf(childOf(node, 'type'));
    const type = isStateType(typeText) ? typeText : undefined;
    const resultPath = resultPathOf(node, name, type);
    const caught = itemsOf(childOf(node, 'catch')).map((clause) =>
      writePathOf(childOf(clause, 'resultPath')),
    );
    const mayWrite = [resultPath, ...caught].filter((path) => path !== undefined);
    const state: StateModel = {
      name,
      type,
      node,
      scope,
      resultPath,
      mayWrite,
      transitions: [],
      children: [],
    };
    this.owners.set(node, state);
    scope.states.push(state);
    if (name !== '' && !scope.byName.has(name)) scope.byName.set(name, state);
    this.children(state);
  }

  children(state: StateModel): void {
    if (state.type === 'parallel') {
      for (const branch of itemsOf(childOf(state.node, 'branches'))) {
        if (branch.kind === 'map') state.children.push(this.scope(branch, state, undefined));
      }
    }
    const iterator = childOf(state.node, 'iterator');
    if (state.type === 'foreach' && iterator?.kind === 'map') {
      const itemName = textOf(childOf(state.node, 'itemName')) ?? 'item';
      state.children.push(this.scope(iterator, state, itemName));
    }
  }
}

const connect = (state: StateModel): void => {
  const { node, scope, resultPath } = state;
  const add = (kind: Transition['kind'], name: SourceNode | undefined, writes: Path | undefined): void => {
    const target = textOf(name);
    if (target !== undefined) state.transitions.push({ kind, to: scope.byName.get(target), writes });
  };
  // A skipped step writes nothing, so an optional one promises nothing.
  const certain = isTrue(childOf(node, 'optional')) ? undefined : resultPath;
  add('next', childOf(node, 'next'), certain);
  for (const condition of itemsOf(childOf(node, 'conditions')))
    add('condition', childOf(condition, 'next'), undefined);
  add('default', childOf(node, 'defaultNext'), undefined);
  for (const clause of itemsOf(childOf(node, 'catch'))) {
    add('catch', childOf(clause, 'next'), writePathOf(childOf(clause, 'resultPath')));
  }
  if (isTrue(childOf(node, 'end'))) state.transitions.push({ kind: 'end', to: undefined, writes: certain });
};

export const buildModel = (root: MapNode): WorkflowModel => {
  const builder = new ModelBuilder();
  const scope = builder.scope(root, undefined, undefined);
  return {
    root: scope,
    scopes: builder.scopes,
    stateCount: builder.stateCount,
    ownerOf: (node) => builder.owners.get(node),
  };
};

/** The path of a field that reads, or undefined where it does not parse. */
export const readPathOf = (node: SourceNode | undefined): Path | undefined => {
  const parsed = parsePath(textOf(node) ?? '');
  return parsed.ok ? parsed.path : undefined;
};

/** The scope and those around it, innermost first. */
export const scopesAround = (scope: ScopeModel): readonly ScopeModel[] =>
  scope.parent === undefined ? [scope] : [scope, ...scopesAround(scope.parent.scope)];
