/**
 * What is read of the context, held against what can have been written there.
 *
 * 1. A read is an error only when nothing, on no way, can have written it; the run's input counts as able to hold every key that
 *    its schema does not rule out.
 * 2. A read that is written on some ways to the state only is a warning that shows one of the other ways.
 */
import type { Path } from '@signalbox/engine';
import type { Diagnostics } from '../diagnostics.js';
import { pathsMeet, type UnwrittenWays, unwrittenWays, wayTo } from '../flow/flow-graph.js';
import type { Reference } from '../flow/references.js';
import { isState, readPathOf, type ScopeModel, type StateModel } from '../flow/scope-model.js';
import { formatPath } from '../language/path.js';
import { didYouMean } from '../nearest.js';
import { type Place, placeOf, type SourceNode } from '../source/source-node.js';
import { type NamesInScope, runFields } from './known-names.js';

const longestWayShown = 12;

const showWay = (way: readonly StateModel[], scope: ScopeModel): string => {
  const names = way.map(({ name }) => name);
  const shown =
    names.length > longestWayShown ? [...names.slice(0, longestWayShown - 1), '…', names.at(-1)] : names;
  const where = scope.parent === undefined ? '' : ` within "${scope.parent.name}"`;
  return `${shown.join(' → ')}${where}`;
};

export class PathReads {
  readonly #names: NamesInScope;
  readonly #diagnostics: Diagnostics;
  readonly #ways = new Map<ScopeModel, Map<string, UnwrittenWays>>();

  constructor(names: NamesInScope, diagnostics: Diagnostics) {
    this.#names = names;
    this.#diagnostics = diagnostics;
  }

  checkPath(node: SourceNode, owner: StateModel | ScopeModel): void {
    const path = readPathOf(node);
    if (path === undefined || path.length === 0) return;
    const { locals } = this.#names.visible(isState(owner) ? owner.scope : owner);
    if (locals.has(String(path[0]))) return;
    this.#check(path, owner, () => placeOf(node), true);
  }

  /** `hasData`: bare names may be fields of an unknown value, so they are not judged. */
  checkReference(
    reference: Reference,
    owner: StateModel | ScopeModel,
    hasData: boolean,
    place: () => Place,
  ): void {
    const { name, keys } = reference;
    if (name === 'ctx') {
      if (keys.length > 0) this.#check(keys, owner, place, true);
      return;
    }
    const { locals } = this.#names.visible(isState(owner) ? owner.scope : owner);
    const isReserved = name === 'input' || name === 'run';
    if (locals.has(name) || name === 'result' || (hasData && !isReserved)) return;
    this.#check([name, ...keys], owner, place, false);
  }

  /** `isKeyed`: the root key is not a bare name, which the compiler would have judged. */
  #check(path: Path, owner: StateModel | ScopeModel, place: () => Place, isKeyed: boolean): void {
    const [root, first] = path.map(String);
    if (root === undefined) return;
    if (root === 'input') {
      this.#checkField('input', first, this.#names.inputs, place);
      return;
    }
    if (root === 'run') {
      this.#checkField('run', first, new Set(runFields), place);
      return;
    }
    const visible = this.#names.visible(isState(owner) ? owner.scope : owner);
    if (this.#names.inputs?.has(root)) return;
    if (visible.writes.some((write) => pathsMeet(write, path))) {
      this.#checkWays(path, owner, place);
      return;
    }
    const isRootWritten = visible.writes.some((write) => String(write[0]) === root);
    if (visible.isOpen && !isRootWritten) return;
    if (!isKeyed && !isRootWritten) return;
    this.#reportUnwritten(
      path,
      visible.isOpen,
      isRootWritten ? visible.writes.map(formatPath) : visible.roots,
      place,
    );
  }

  #checkField(
    root: string,
    field: string | undefined,
    fields: ReadonlySet<string> | undefined,
    place: () => Place,
  ): void {
    if (field === undefined || fields === undefined || fields.has(field)) return;
    const hint = didYouMean(field, fields) ?? `it has ${[...fields].join(', ')}`;
    this.#diagnostics.report('UNDEFINED_NAME', place(), `"${root}" has no field "${field}"`, { hint });
  }

  #reportUnwritten(path: Path, isOpen: boolean, candidates: Iterable<string>, place: () => Place): void {
    const shown = formatPath(path);
    const hint = didYouMean(shown, candidates) ?? didYouMean(formatPath(path.slice(0, 2)), candidates);
    if (isOpen) {
      const message = `no state writes ${shown}; only the run's input could hold it`;
      this.#diagnostics.report('NAME_MAY_BE_ABSENT', place(), message, {
        hint: hint ?? 'give the workflow an inputSchema',
      });
    } else {
      this.#diagnostics.report('UNDEFINED_NAME', place(), `nothing writes ${shown}`, { hint });
    }
  }

  #checkWays(path: Path, owner: StateModel | ScopeModel, place: () => Place): void {
    const unwritten = this.#unwrittenWay(path, owner);
    if (unwritten === undefined) return;
    const message = `${formatPath(path)} may be absent: nothing writes it on the way ${unwritten}`;
    const hint = 'write it on every way, or ask with hasattr(…) or .get(…)';
    this.#diagnostics.report('NAME_MAY_BE_ABSENT', place(), message, { hint });
  }

  /** A way on which no state has written the path, through all the scopes around. */
  #unwrittenWay(path: Path, owner: StateModel | ScopeModel): string | undefined {
    const scope = isState(owner) ? owner.scope : owner;
    const way = wayTo(this.#waysOf(scope, path), isState(owner) ? owner : null);
    if (way === undefined) return undefined;
    const isWrittenHere = scope.states.some((state) =>
      state.mayWrite.some((write) => pathsMeet(write, path)),
    );
    if (scope.parent === undefined) return showWay(way, scope);
    const outer = this.#unwrittenWay(path, scope.parent);
    return outer === undefined ? undefined : isWrittenHere ? showWay(way, scope) : outer;
  }

  #waysOf(scope: ScopeModel, path: Path): UnwrittenWays {
    const byPath = this.#ways.get(scope) ?? new Map<string, UnwrittenWays>();
    this.#ways.set(scope, byPath);
    const key = formatPath(path);
    const ways = byPath.get(key) ?? unwrittenWays(scope, path);
    byPath.set(key, ways);
    return ways;
  }
}
