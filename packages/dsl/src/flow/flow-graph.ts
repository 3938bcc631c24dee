/** Questions about the transitions of one scope: what is reached, what goes round, and on which way something was not written. */
import type { Path } from '@signalbox/engine';
import type { ScopeModel, StateModel } from './scope-model.js';

const successors = (state: StateModel): readonly StateModel[] =>
  state.transitions.flatMap(({ to }) => (to === undefined ? [] : [to]));

export const reachableStates = (scope: ScopeModel): ReadonlySet<StateModel> => {
  const reached = new Set<StateModel>();
  const waiting = scope.start === undefined ? [] : [scope.start];
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    if (reached.has(state)) continue;
    reached.add(state);
    waiting.push(...successors(state));
  }
  return reached;
};

/** Each way back to a state that is already on the way, as the states of the circle in their order. */
export const circlesOf = (scope: ScopeModel): readonly (readonly StateModel[])[] => {
  const circles: StateModel[][] = [];
  const done = new Set<StateModel>();
  const roots = scope.start === undefined ? scope.states : [scope.start, ...scope.states];
  for (const root of roots) {
    if (done.has(root)) continue;
    const way: { readonly state: StateModel; readonly rest: StateModel[] }[] = [];
    const places = new Map<StateModel, number>();
    const enter = (state: StateModel): void => {
      places.set(state, way.length);
      way.push({ state, rest: [...new Set(successors(state))].reverse() });
    };
    enter(root);
    for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
      const next = top.rest.pop();
      if (next === undefined) {
        done.add(top.state);
        places.delete(top.state);
        way.pop();
        continue;
      }
      const place = places.get(next);
      if (place !== undefined) circles.push(way.slice(place).map(({ state }) => state));
      else if (!done.has(next)) enter(next);
    }
  }
  return circles;
};

/** One path is the beginning of the other (or they are equal): writing one writes, at least in part, the other. */
export const pathsMeet = (a: Path, b: Path): boolean => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i] && String(a[i]) !== String(b[i])) return false;
  return true;
};

interface Arrival {
  readonly from: StateModel;
  readonly writes: Path | undefined;
}

/** The transitions into each state; those into the scope's end stand under `null`. */
const arrivalsOf = (scope: ScopeModel): ReadonlyMap<StateModel | null, readonly Arrival[]> => {
  const arrivals = new Map<StateModel | null, Arrival[]>();
  for (const from of scope.states) {
    // Conditions of a switch write nothing: one of those that lead to the same state stands for all.
    const seen = new Set<StateModel>();
    for (const { kind, to, writes } of from.transitions) {
      const target = kind === 'end' ? null : to;
      if (target === undefined || (target !== null && writes === undefined && seen.has(target))) continue;
      if (target !== null && writes === undefined) seen.add(target);
      const into = arrivals.get(target) ?? [];
      into.push({ from, writes });
      arrivals.set(target, into);
    }
  }
  return arrivals;
};

/** Work that is left; searches stop finding anything when it is used up. */
export interface SearchBudget {
  transitionsLeft: number;
}

/** Finds ways through one scope on which a path is not written. */
export class WaySearch {
  readonly #scope: ScopeModel;
  readonly #arrivals: ReadonlyMap<StateModel | null, readonly Arrival[]>;
  readonly #budget: SearchBudget;

  constructor(scope: ScopeModel, budget: SearchBudget) {
    this.#scope = scope;
    this.#arrivals = arrivalsOf(scope);
    this.#budget = budget;
  }

  /**
   * The states of a shortest way from the start to `target` (the scope's end: `null`) on which nothing writes the path;
   * undefined when every way writes it or none leads there. Searched from the target, since most reads follow closely on their writes.
   */
  unwrittenWay(target: StateModel | null, path: Path): readonly StateModel[] | undefined {
    const { start } = this.#scope;
    const after = new Map<StateModel | null, StateModel | null>();
    const waiting: (StateModel | null)[] = [target];
    after.set(target, null);
    for (const at of waiting) {
      if (at !== null && at === start) return this.#wayFrom(at, target, after);
      for (const { from, writes } of this.#arrivals.get(at) ?? []) {
        this.#budget.transitionsLeft--;
        if (this.#budget.transitionsLeft < 0) return undefined;
        if (after.has(from) || (writes !== undefined && pathsMeet(writes, path))) continue;
        after.set(from, at);
        waiting.push(from);
      }
    }
    return undefined;
  }

  #wayFrom(
    start: StateModel,
    target: StateModel | null,
    after: ReadonlyMap<StateModel | null, StateModel | null>,
  ) {
    const way: StateModel[] = [start];
    for (let at: StateModel | null = start; at !== target; ) {
      at = after.get(at) ?? null;
      if (at === null) break;
      way.push(at);
    }
    return way;
  }
}
