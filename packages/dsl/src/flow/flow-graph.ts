/** Questions about the transitions of one scope: what is reached, what goes round, and on which way something was not written. */
import type { Path } from '@signalbox/engine';
import type { ScopeModel, StateModel, Transition } from './scope-model.js';

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
  for (let i = 0; i < length; i++) if (String(a[i]) !== String(b[i])) return false;
  return true;
};

/** How each state that can be reached without the path being written was reached; the scope's end stands under `null`. */
export type UnwrittenWays = ReadonlyMap<StateModel | null, StateModel | undefined>;

const writesPath = (transition: Transition, path: Path): boolean =>
  transition.writes !== undefined && pathsMeet(transition.writes, path);

export const unwrittenWays = (scope: ScopeModel, path: Path): UnwrittenWays => {
  const from = new Map<StateModel | null, StateModel | undefined>();
  if (scope.start === undefined) return from;
  from.set(scope.start, undefined);
  const waiting = [scope.start];
  // The first found is a shortest way: `waiting` is read from its front while it grows.
  for (const state of waiting) {
    for (const transition of state.transitions) {
      const to = transition.kind === 'end' ? null : transition.to;
      if (to === undefined || from.has(to) || writesPath(transition, path)) continue;
      from.set(to, state);
      if (to !== null) waiting.push(to);
    }
  }
  return from;
};

/** The states on the way to `target` (to the scope's end: `null`), or undefined when the path is written on every way. */
export const wayTo = (ways: UnwrittenWays, target: StateModel | null): readonly StateModel[] | undefined => {
  if (!ways.has(target)) return undefined;
  const states: StateModel[] = target === null ? [] : [target];
  for (let at = ways.get(target); at !== undefined; at = ways.get(at)) states.push(at);
  return states.reverse();
};
