/**
 * What is read of the context, held against what can have been written there.
 *
 * 1. A read is an error only when nothing, on no way, can have written it; the run's input counts as able to hold every key that
 *    its schema does not rule out.
 * 2. A read that is written on some ways to the state only is a warning that shows one of the other ways.
 */
import type { Path } from '@signalbox/engine';
import type { DeclaredFields } from '../data-flow/declared-fields.js';
import type { Diagnostics } from '../diagnostics.js';
import { type SearchBudget, WaySearch } from '../flow/flow-graph.js';
import type { Reference } from '../flow/references.js';
import { isState, readPathOf, type ScopeModel, type StateModel, scopesAround } from '../flow/scope-model.js';
import { type Found, findIn, ValueShapes } from '../flow/value-shape.js';
import { formatPath } from '../language/path.js';
import { didYouMean, nearestName } from '../nearest.js';
import { type Place, placeOf, type SourceNode } from '../source/source-node.js';
import { type NamesInScope, runFields } from './known-names.js';

const longestWayShown = 12;
/** Beyond it no further warning is looked for: it bounds the time that a hostile definition takes. */
const maxTransitionsSearched = 5_000_000;

const showWay = (way: readonly StateModel[], scope: ScopeModel): string => {
  const names = way.map(({ name }) => name);
  const shown =
    names.length > longestWayShown ? [...names.slice(0, longestWayShown - 1), '…', names.at(-1)] : names;
  const where = scope.parent === undefined ? '' : ` within "${scope.parent.name}"`;
  return `${shown.join(' → ')}${where}`;
};

/** A hyphen is a minus in an expression, so such a key cannot be written there as it is in a path. */
const nearestHint = (nearest: Path): string => {
  const shown = formatPath(nearest);
  if (!shown.includes('-')) return `did you mean "${shown}"?`;
  const keys = nearest.slice(1).map((key) => `[${JSON.stringify(key)}]`);
  return `did you mean "${shown}"? (in an expression: ${[nearest[0], ...keys].join('')})`;
};

const mostListed = 12;

const hintWithout = (names: readonly string[], path: Path, depth: number): string => {
  if (names.length === 0) return 'write it in an earlier state, with its resultPath';
  const holder = depth === 0 ? 'the context' : formatPath(path.slice(0, depth));
  return `${holder} has ${names.slice(0, mostListed).join(', ')}${names.length > mostListed ? ', …' : ''}`;
};

interface Miss {
  readonly depth: number;
  readonly names: readonly string[];
  readonly isIntermediate: boolean;
}

/** The scopes' misses as one: of those that came as far as any did. */
const deepestOf = (found: readonly Found[]): Miss => {
  const misses = found.filter((one) => !one.ok);
  const depth = Math.max(0, ...misses.map((miss) => miss.depth));
  const deepest = misses.filter((miss) => miss.depth === depth);
  return {
    depth,
    names: [...new Set(deepest.flatMap(({ names }) => names))],
    isIntermediate: deepest.some(({ isIntermediate }) => isIntermediate),
  };
};

export class PathReads {
  readonly #names: NamesInScope;
  readonly #diagnostics: Diagnostics;
  readonly #fields: DeclaredFields;
  readonly #shapes = new ValueShapes();
  readonly #searches = new Map<ScopeModel, WaySearch>();
  readonly #budget: SearchBudget = { transitionsLeft: maxTransitionsSearched };

  constructor(names: NamesInScope, fields: DeclaredFields, diagnostics: Diagnostics) {
    this.#names = names;
    this.#fields = fields;
    this.#diagnostics = diagnostics;
  }

  checkPath(node: SourceNode, owner: StateModel | ScopeModel): void {
    const path = readPathOf(node);
    if (path === undefined || path.length === 0) return;
    const { locals, roots, isOpen } = this.#names.visible(isState(owner) ? owner.scope : owner);
    const root = String(path[0]);
    if (locals.has(root) && !roots.has(root)) {
      const message = `"${root}" is a name of the foreach; a path reads the context only`;
      this.#diagnostics.report(isOpen ? 'NAME_MAY_BE_ABSENT' : 'UNDEFINED_NAME', placeOf(node), message, {
        hint: `write it into the context first, with an inject whose data is "{{ ${formatPath(path)} }}"`,
      });
      return;
    }
    const isTold = this.#check(path, owner, () => placeOf(node), true);
    if (!isTold) this.#fields.checkPath(path, owner, () => placeOf(node));
  }

  /** `hasData`: bare names may be fields of the value at the switch's `dataPath`. */
  checkReference(
    reference: Reference,
    owner: StateModel | ScopeModel,
    hasData: boolean,
    place: () => Place,
  ): void {
    const { name, keys } = reference;
    if (name === 'ctx') {
      const isTold = keys.length > 0 && this.#check(keys, owner, place, true);
      if (!isTold) this.#fields.checkReference(reference, owner, place);
      return;
    }
    const isReserved = name === 'input' || name === 'run';
    const { locals, roots, isOpen } = this.#names.visible(isState(owner) ? owner.scope : owner);
    if (hasData && !isReserved && name !== 'result' && isState(owner)) {
      const known = { isKnown: locals.has(name) || roots.has(name), others: roots, isComplete: !isOpen };
      if (this.#fields.checkDataName(reference, owner, known, place)) return;
    }
    const isTold =
      !locals.has(name) && name !== 'result' && this.#check([name, ...keys], owner, place, false);
    if (!isTold) this.#fields.checkReference(reference, owner, place);
  }

  /** True when something is reported. `isKeyed`: the root key is not a bare name, which the compiler would have judged. */
  #check(path: Path, owner: StateModel | ScopeModel, place: () => Place, isKeyed: boolean): boolean {
    const [root, first] = path.map(String);
    if (root === undefined) return false;
    if (root === 'input') return this.#checkField('input', first, this.#names.inputs, place);
    if (root === 'run') return this.#checkField('run', first, new Set(runFields), place);
    if (this.#names.inputs?.has(root)) return false;
    const scopes = scopesAround(isState(owner) ? owner.scope : owner);
    const misses = scopes.map((scope) => findIn(this.#shapes.writesOf(scope), path));
    if (misses.some(({ ok }) => ok)) return this.#checkWays(path, owner, place);
    const deepest = deepestOf(misses);
    const isOpen = this.#names.inputs === undefined;
    if (deepest.depth === 0 && (isOpen || !isKeyed)) return false;
    this.#reportMissing(path, deepest, isOpen && deepest.isIntermediate, place);
    return true;
  }

  #checkField(
    root: string,
    field: string | undefined,
    fields: ReadonlySet<string> | undefined,
    place: () => Place,
  ): boolean {
    if (field === undefined || fields === undefined || fields.has(field)) return false;
    const hint = didYouMean(field, fields) ?? `it has ${[...fields].join(', ')}`;
    this.#diagnostics.report('UNDEFINED_NAME', place(), `"${root}" has no field "${field}"`, { hint });
    return true;
  }

  #reportMissing(path: Path, miss: Miss, mayComeWithInput: boolean, place: () => Place): void {
    const { depth, isIntermediate } = miss;
    const names = depth === 0 ? [...miss.names, ...(this.#names.inputs ?? [])] : miss.names;
    const nearest = nearestName(String(path[depth]), names);
    const shown = formatPath(path);
    const hint =
      nearest === undefined
        ? hintWithout(names, path, depth)
        : nearestHint([...path.slice(0, depth), nearest]);
    if (mayComeWithInput) {
      const message = `no state writes ${shown}; only the run's input could hold it`;
      this.#diagnostics.report('NAME_MAY_BE_ABSENT', place(), message, { hint });
      return;
    }
    const message = isIntermediate
      ? `nothing writes ${shown}`
      : `${formatPath(path.slice(0, depth))} has no field "${path[depth]}"`;
    this.#diagnostics.report('UNDEFINED_NAME', place(), message, { hint });
  }

  #checkWays(path: Path, owner: StateModel | ScopeModel, place: () => Place): boolean {
    const unwritten = this.#unwrittenWay(path, owner);
    if (unwritten === undefined) return false;
    const message = `${formatPath(path)} may be absent: nothing writes it on the way ${unwritten}`;
    const hint = 'write it on every way, or ask with hasattr(…) or .get(…)';
    this.#diagnostics.report('NAME_MAY_BE_ABSENT', place(), message, { hint });
    return true;
  }

  /** A way on which no state has written the path, through all the scopes around. */
  #unwrittenWay(path: Path, owner: StateModel | ScopeModel): string | undefined {
    const scope = isState(owner) ? owner.scope : owner;
    const way = this.#searchOf(scope).unwrittenWay(isState(owner) ? owner : null, path);
    if (way === undefined) return undefined;
    const isWrittenHere = findIn(this.#shapes.writesOf(scope), path).ok;
    if (scope.parent === undefined) return showWay(way, scope);
    const outer = this.#unwrittenWay(path, scope.parent);
    return outer === undefined ? undefined : isWrittenHere ? showWay(way, scope) : outer;
  }

  #searchOf(scope: ScopeModel): WaySearch {
    const search = this.#searches.get(scope) ?? new WaySearch(scope, this.#budget);
    this.#searches.set(scope, search);
    return search;
  }
}
