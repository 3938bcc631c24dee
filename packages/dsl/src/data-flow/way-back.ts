/** Walks the transitions of a scope from one of its states back to the start, each state once, shortest ways first. */
import type { Path } from '@signalbox/engine';
import type { ScopeModel, StateModel } from '../flow/scope-model.js';

/** A transition that leads into a state, or to the scope's end. */
export interface Arrival {
  readonly from: StateModel;
  readonly kind: 'result' | 'error' | 'nothing';
  /** Where the result or the error is written. */
  readonly writes: Path | undefined;
  /** False: the state may have been skipped. */
  readonly isCertain: boolean;
}

const arrivalOf = (from: StateModel, transition: StateModel['transitions'][number]): Arrival => {
  const { kind, writes } = transition;
  if (kind === 'catch')
    return { from, kind: writes === undefined ? 'nothing' : 'error', writes, isCertain: true };
  if (kind !== 'next' && kind !== 'end') return { from, kind: 'nothing', writes: undefined, isCertain: true };
  if (from.resultPath === undefined) return { from, kind: 'nothing', writes: undefined, isCertain: true };
  return { from, kind: 'result', writes: from.resultPath, isCertain: writes !== undefined };
};

const arrivalsInto = (scope: ScopeModel): ReadonlyMap<StateModel | null, readonly Arrival[]> => {
  const arrivals = new Map<StateModel | null, Arrival[]>();
  for (const from of scope.states) {
    // Of the transitions that write nothing, one to each state stands for all.
    const silent = new Set<StateModel | null>();
    for (const transition of from.transitions) {
      const target = transition.kind === 'end' ? null : transition.to;
      if (target === undefined) continue;
      const arrival = arrivalOf(from, transition);
      if (arrival.kind === 'nothing' && silent.has(target)) continue;
      if (arrival.kind === 'nothing') silent.add(target);
      const into = arrivals.get(target) ?? [];
      into.push(arrival);
      arrivals.set(target, into);
    }
  }
  return arrivals;
};

export interface WalkBudget {
  arrivalsLeft: number;
}

export interface Visitor {
  /** True: go on to what was before `arrival.from`. `way` leads from that state to the target. */
  readonly arrival: (arrival: Arrival, way: () => readonly StateModel[]) => boolean;
  /** The scope's start has been reached. */
  readonly entry: (way: () => readonly StateModel[]) => void;
}

export class WayBack {
  readonly #scope: ScopeModel;
  readonly #arrivals: ReadonlyMap<StateModel | null, readonly Arrival[]>;
  readonly #budget: WalkBudget;

  constructor(scope: ScopeModel, budget: WalkBudget) {
    this.#scope = scope;
    this.#arrivals = arrivalsInto(scope);
    this.#budget = budget;
  }

  /** `target` null: the scope's end. False when the budget is used up before the end of the search. */
  walk(target: StateModel | null, visitor: Visitor): boolean {
    const after = new Map<StateModel, StateModel | null>();
    const wayFrom = (state: StateModel | null): readonly StateModel[] => {
      const way: StateModel[] = [];
      for (let at = state; at !== null && at !== target; at = after.get(at) ?? null) way.push(at);
      return target === null ? way : [...way, target];
    };
    const waiting: (StateModel | null)[] = [target];
    for (const at of waiting) {
      if (at !== null && at === this.#scope.start) visitor.entry(() => wayFrom(at));
      for (const arrival of this.#arrivals.get(at) ?? []) {
        this.#budget.arrivalsLeft--;
        if (this.#budget.arrivalsLeft < 0) return false;
        const { from } = arrival;
        const way = () => (from === at ? [from, from] : [from, ...wayFrom(at)]);
        const goesOn = visitor.arrival(arrival, way);
        if (!goesOn || after.has(from) || from === target) continue;
        after.set(from, at);
        waiting.push(from);
      }
    }
    return true;
  }
}
