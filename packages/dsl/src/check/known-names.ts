/** Which names a place may use: see "one language, one scope" in the language reference. */
import { isState, type ScopeModel, type StateModel, scopesAround } from '../flow/scope-model.js';
import { childOf, type MapNode } from '../source/source-node.js';

/** Every run has these fields under `run`. */
export const runFields: readonly string[] = [
  'id',
  'workflow',
  'version',
  'workspace',
  'startedAt',
  'attempt',
];

/** Names of the input's fields, or undefined when the input may have any. */
export const inputNames = (root: MapNode): ReadonlySet<string> | undefined => {
  const schema = childOf(root, 'inputSchema');
  const properties = childOf(schema, 'properties');
  // What these add is not followed; the input may then have more fields than are listed.
  const combined = ['allOf', 'anyOf', 'oneOf', '$ref', 'patternProperties', 'if'];
  if (properties?.kind !== 'map' || combined.some((keyword) => childOf(schema, keyword) !== undefined))
    return undefined;
  return new Set(properties.entries.map(({ key }) => key));
};

/** What a scope sees: itself and what is around it. */
export interface Visible {
  /** Root keys of the context; complete only when `isOpen` is false. */
  readonly roots: ReadonlySet<string>;
  readonly isOpen: boolean;
  /** Items of the loops around, and `index`. */
  readonly locals: ReadonlySet<string>;
}

export class NamesInScope {
  readonly inputs: ReadonlySet<string> | undefined;
  readonly #visible = new Map<ScopeModel, Visible>();

  constructor(root: ScopeModel) {
    this.inputs = inputNames(root.node);
  }

  visible(scope: ScopeModel): Visible {
    const cached = this.#visible.get(scope);
    if (cached !== undefined) return cached;
    const scopes = scopesAround(scope);
    const writes = scopes.flatMap(({ states }) => states.flatMap(({ mayWrite }) => mayWrite));
    const items = scopes.flatMap(({ itemName }) => (itemName === undefined ? [] : [itemName, 'index']));
    const visible: Visible = {
      roots: new Set([...(this.inputs ?? []), ...writes.map(([root]) => String(root))]),
      isOpen: this.inputs === undefined,
      locals: new Set(items),
    };
    this.#visible.set(scope, visible);
    return visible;
  }

  /** Undefined when any name may exist: the input is open, or the fields of an unknown value are names. */
  known(owner: StateModel | ScopeModel): { names: ReadonlySet<string>; isComplete: boolean } {
    const scope = isState(owner) ? owner.scope : owner;
    const hasData =
      isState(owner) && owner.type === 'switch' && childOf(owner.node, 'dataPath') !== undefined;
    const { roots, locals, isOpen } = this.visible(scope);
    const names = new Set(['ctx', 'input', 'run', ...(hasData ? ['result'] : []), ...locals, ...roots]);
    return { names, isComplete: !isOpen && !hasData };
  }
}
