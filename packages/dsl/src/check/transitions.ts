/** Where states lead: targets that exist, states that are reached, circles. */
import type { Diagnostics } from '../diagnostics.js';
import { circlesOf, reachableStates } from '../flow/flow-graph.js';
import { isState, type ScopeModel, type StateModel, type WorkflowModel } from '../flow/scope-model.js';
import { limits } from '../limits.js';
import { didYouMean } from '../nearest.js';
import { childOf, entryOf, placeOf, textOf } from '../source/source-node.js';
import type { Site } from './structure.js';

const mostListed = 10;

const someOf = (names: Iterable<string>): string => {
  const all = [...names];
  return all.length > mostListed ? `${all.slice(0, mostListed).join(', ')}, …` : all.join(', ');
};

const checkTarget = (
  site: Site,
  model: WorkflowModel,
  names: ReadonlySet<string>,
  diagnostics: Diagnostics,
): void => {
  const owner = model.ownerOf(site.owner);
  const name = textOf(site.node);
  if (site.kind.is !== 'target' || owner === undefined || name === undefined) return;
  const scope = isState(owner) ? owner.scope : owner;
  if (scope.byName.has(name)) return;
  const hint = names.has(name)
    ? 'the state of that name is in another scope; a transition stays among the states beside it'
    : name === 'end'
      ? 'write end: true instead of next: end'
      : (didYouMean(name, scope.byName.keys()) ?? `the states here are ${someOf(scope.byName.keys())}`);
  const isStart = site.kind.unknown === 'START_NOT_FOUND';
  const message = isStart ? `start state not found: "${name}"` : `no state of this scope is called "${name}"`;
  diagnostics.report(site.kind.unknown, placeOf(site.node), message, { hint });
};

const checkNames = (scope: ScopeModel, diagnostics: Diagnostics): void => {
  for (const state of scope.states) {
    const entry = entryOf(state.node, 'name');
    if (entry === undefined || state.name === '' || scope.byName.get(state.name) === state) continue;
    diagnostics.report(
      'DUPLICATE_STATE',
      placeOf(entry.value),
      `two states of this scope are called "${state.name}"`,
      {
        hint: 'rename one of them',
      },
    );
  }
};

const checkReached = (scope: ScopeModel, diagnostics: Diagnostics): void => {
  if (scope.start === undefined) return;
  const reached = reachableStates(scope);
  for (const state of scope.states) {
    // A state without a name of its own is reported for that.
    if (reached.has(state) || scope.byName.get(state.name) !== state) continue;
    const message = `unreachable state: no transition leads to "${state.name}"`;
    diagnostics.report('UNREACHABLE_STATE', placeOf(state.node), message, {
      hint: 'lead a transition to it, or remove it',
    });
  }
};

const longestShown = 8;

const showCircle = (circle: readonly StateModel[]): string => {
  const names = circle.map(({ name }) => name);
  const shown = names.length > longestShown ? [...names.slice(0, longestShown), '…'] : names;
  return [...shown, names[0]].join(' → ');
};

const checkCircles = (scope: ScopeModel, diagnostics: Diagnostics): void => {
  for (const circle of circlesOf(scope)) {
    const last = circle.at(-1);
    if (last === undefined) continue;
    const message = `circular transition detected: ${showCircle(circle)}`;
    diagnostics.report('CIRCULAR_TRANSITION', placeOf(last.node), message, {
      hint: 'make sure that a switch leads out of it',
    });
  }
};

const checkDefaultStart = (root: ScopeModel, diagnostics: Diagnostics): void => {
  const [first] = root.states;
  if (first === undefined || childOf(root.node, 'start') !== undefined) return;
  diagnostics.report(
    'DEFAULT_START',
    placeOf(root.node),
    `there is no start; the run begins with "${first.name}"`,
    {
      hint: `add start: ${first.name}`,
    },
  );
};

/** False when the workflow is too large for the checks that follow. */
const checkSize = (model: WorkflowModel, diagnostics: Diagnostics): boolean => {
  const hint = 'move states into child workflows';
  const tooDeep = model.scopes.find(({ depth }) => depth > limits.maxScopeDepth);
  if (tooDeep !== undefined) {
    const message = `scopes are nested ${tooDeep.depth} deep; ${limits.maxScopeDepth} are permitted`;
    diagnostics.report('LIMIT_EXCEEDED', placeOf(tooDeep.node), message, { hint });
  }
  if (model.stateCount > limits.maxStates) {
    const message = `the workflow has ${model.stateCount} states; ${limits.maxStates} are permitted`;
    diagnostics.report('LIMIT_EXCEEDED', placeOf(model.root.node), message, { hint });
  }
  return tooDeep === undefined && model.stateCount <= limits.maxStates;
};

/** False when the workflow is too large for the checks that follow. */
export const checkTransitions = (
  model: WorkflowModel,
  sites: readonly Site[],
  diagnostics: Diagnostics,
): boolean => {
  if (!checkSize(model, diagnostics)) return false;
  const names = new Set(model.scopes.flatMap((scope) => [...scope.byName.keys()]));
  for (const site of sites) if (site.kind.is === 'target') checkTarget(site, model, names, diagnostics);
  checkDefaultStart(model.root, diagnostics);
  for (const scope of model.scopes) {
    checkNames(scope, diagnostics);
    checkReached(scope, diagnostics);
    checkCircles(scope, diagnostics);
  }
  return true;
};
