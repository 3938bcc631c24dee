import { emptyContext, plain } from '../context.js';
import type { RunEvent, ScopePath } from '../event.js';
import { required } from '../invariant-violation.js';
import { PersistentMap } from '../persistent-map.js';
import type { Join, Outcome, Run, Scope } from '../run-state.js';
import { childPath } from '../scope-path.js';
import { joinOf, scopeOf, withJoin, withoutScope, withScope } from './edit.js';

type Of<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

export const scopesForked = (run: Run, event: Of<'scopes.forked'>): Run => {
  const join = joinOf(run, event.stepId);
  const parent = scopeOf(run, event.scope);
  let forked = run;
  let { live } = join;
  for (let index = event.from; index < event.to; index += 1) {
    forked = withScope(forked, child(join, parent, index));
    live = live.set(String(index), true);
  }
  return withJoin(forked, { ...join, live, forkedCount: event.to });
};

const child = (join: Join, parent: Scope, index: number): Scope => {
  const branch = join.branches[index];
  const start = required(join.items?.start ?? branch?.start, `start of child ${index} of ${join.stepId}`);
  const foreachIndex = join.kind === 'foreach' ? index : parent.foreachIndex;
  return {
    path: childPath(join.childPrefix, branch?.name ?? index),
    parent: { stepId: join.stepId, index },
    foreachIndex,
    context: parent.context,
    writes: emptyContext,
    visits: PersistentMap.empty(),
    idleVisits: PersistentMap.empty(),
    cursor: { kind: 'ready', state: start },
    previous: undefined,
    answers: undefined,
  };
};

const endOfChild = (run: Run, path: ScopePath, outcome: (scope: Scope) => Outcome | undefined): Run => {
  const scope = scopeOf(run, path);
  const parent = required(scope.parent, `parent of scope "${path}"`);
  const join = joinOf(run, parent.stepId);
  const key = String(parent.index);
  const result = outcome(scope);
  return withJoin(withoutScope(run, path), {
    ...join,
    live: join.live.delete(key),
    succeededCount: join.succeededCount + (result?.ok === true ? 1 : 0),
    failedCount: join.failedCount + (result?.ok === false ? 1 : 0),
    outcomes: result === undefined ? join.outcomes : join.outcomes.set(key, result),
  });
};

export const scopeCompleted = (run: Run, event: Of<'scope.completed'>): Run =>
  endOfChild(run, event.scope, (scope) => ({
    ok: true,
    value: event.output === undefined ? plain(scope.writes) : event.output,
  }));

export const scopeFailed = (run: Run, event: Of<'scope.failed'>): Run =>
  endOfChild(run, event.scope, () => ({ ok: false, error: event.error }));

export const scopesClosing = (run: Run, { stepId, failure }: Of<'scopes.closing'>): Run =>
  withJoin(run, { ...joinOf(run, stepId), closing: failure === undefined ? {} : { failure } });

export const scopeCancelled = (run: Run, event: Of<'scope.cancelled'>): Run =>
  endOfChild(run, event.scope, () => undefined);
