/**
 * The few ways in which a run's state is changed. Each keeps the indexes (`ready`, `forkable`, `closing`, `open`,
 * `counts`, `signals.waiting`) equal to what the scopes, steps and joins say; nothing else touches those.
 */
import { withValueAt } from '../context.js';
import type { StepError } from '../error.js';
import type { AtStep, Instant } from '../event.js';
import { required } from '../invariant-violation.js';
import type { Json } from '../json.js';
import { PersistentMap } from '../persistent-map.js';
import type { Path } from '../plan.js';
import type { Counts, Cursor, Join, OpenStep, Run, Scope, Signals, Step, StepKind } from '../run-state.js';
import type { StepStatus } from '../run-status.js';

export const scopeOf = (run: Run, path: string): Scope => required(run.scopes.get(path), `scope "${path}"`);

export const stepOf = (run: Run, stepId: string): Step => required(run.steps.get(stepId), `step ${stepId}`);

export const joinOf = (run: Run, stepId: string): Join => required(run.joins.get(stepId), `join ${stepId}`);

export const withScope = (run: Run, scope: Scope): Run => {
  const canGoOn = scope.cursor.kind === 'ready' || scope.cursor.kind === 'finished';
  return {
    ...run,
    scopes: run.scopes.set(scope.path, scope),
    ready: canGoOn ? run.ready.set(scope.path, true) : run.ready.delete(scope.path),
  };
};

export const withoutScope = (run: Run, path: string): Run => ({
  ...run,
  scopes: run.scopes.delete(path),
  ready: run.ready.delete(path),
});

export const withCursor = (run: Run, path: string, cursor: Cursor): Run =>
  withScope(run, { ...scopeOf(run, path), cursor });

/** The cursor behind a state that is over. */
export const cursorTo = (next: string | null): Cursor =>
  next === null ? { kind: 'finished' } : { kind: 'ready', state: next };

const countedAs = (open: OpenStep | undefined): keyof Counts | undefined => {
  switch (open?.kind) {
    case 'dispatched':
    case 'retrying':
    case 'wait':
    case 'workflow':
      return 'moving';
    case 'approval':
      return 'approvals';
    case 'signal':
      return 'signals';
    case 'failed':
    case 'join':
    case undefined:
      return undefined;
  }
};

const counted = (
  counts: Counts,
  before: keyof Counts | undefined,
  after: keyof Counts | undefined,
): Counts => {
  if (before === after) return counts;
  const next = { ...counts };
  if (before !== undefined) next[before] -= 1;
  if (after !== undefined) next[after] += 1;
  return next;
};

const waitingFor = (signals: Signals, before: Step | undefined, after: Step): Signals => {
  const was = before?.open?.kind === 'signal' ? before.open.signal : undefined;
  const is = after.open?.kind === 'signal' ? after.open.signal : undefined;
  if (was === is) return signals;
  let { waiting } = signals;
  if (was !== undefined) waiting = withoutMember(waiting, was, after.stepId);
  if (is !== undefined)
    waiting = waiting.set(is, (waiting.get(is) ?? PersistentMap.empty<true>()).set(after.stepId, true));
  return { ...signals, waiting };
};

/** A map of maps without one member; an empty inner map goes too. */
export const withoutMember = <V>(
  groups: PersistentMap<PersistentMap<V>>,
  group: string,
  member: string,
): PersistentMap<PersistentMap<V>> => {
  const rest = (groups.get(group) ?? PersistentMap.empty<V>()).delete(member);
  return rest.size === 0 ? groups.delete(group) : groups.set(group, rest);
};

export const withStep = (run: Run, step: Step): Run => {
  const before = run.steps.get(step.stepId);
  return {
    ...run,
    steps: run.steps.set(step.stepId, step),
    open: step.open === undefined ? run.open.delete(step.stepId) : run.open.set(step.stepId, true),
    counts: counted(run.counts, countedAs(before?.open), countedAs(step.open)),
    signals: waitingFor(run.signals, before, step),
  };
};

/**
 * A step at its beginning. Every property that a step can have is there from the start, as undefined: V8 copies
 * objects of one shape many times faster than it adds properties, and every step of every run comes by here.
 */
export const newStep = (place: AtStep, kind: StepKind, status: StepStatus, at: Instant): Step => ({
  stepId: place.stepId,
  scope: place.scope,
  state: place.state,
  visit: place.visit,
  kind,
  action: undefined,
  target: undefined,
  status,
  attempt: 1,
  scheduledAt: at,
  startedAt: undefined,
  endedAt: undefined,
  worker: undefined,
  beginnings: undefined,
  error: undefined,
  warnings: undefined,
  output: undefined,
  timer: undefined,
  childRunId: undefined,
  open: undefined,
});

/** What the end of a step says of it; what is not said stays as it was. */
export interface StepEnd {
  readonly status: StepStatus;
  readonly startedAt?: Instant | undefined;
  readonly worker?: string | undefined;
  /** Undefined takes the error of an earlier attempt away. */
  readonly error: StepError | undefined;
  readonly output?: Json | undefined;
  readonly warnings?: Step['warnings'];
}

/** The step, over. */
export const ended = (step: Step, at: Instant, end: StepEnd): Step => ({
  ...step,
  open: undefined,
  endedAt: at,
  status: end.status,
  startedAt: end.startedAt ?? step.startedAt,
  worker: end.worker ?? step.worker,
  error: end.error,
  output: end.output,
  warnings: end.warnings,
});

export const withJoin = (run: Run, join: Join): Run => {
  const isClosing = join.closing !== undefined;
  const canFork = !isClosing && join.forkedCount < join.total && join.live.size < join.maxConcurrency;
  return {
    ...run,
    joins: run.joins.set(join.stepId, join),
    forkable: canFork ? run.forkable.set(join.stepId, true) : run.forkable.delete(join.stepId),
    closing: isClosing ? run.closing.set(join.stepId, true) : run.closing,
  };
};

export const withoutJoin = (run: Run, stepId: string): Run => ({
  ...run,
  joins: run.joins.delete(stepId),
  forkable: run.forkable.delete(stepId),
  closing: run.closing.delete(stepId),
});

/** The scope with a value written at a path. The root has nobody to hand its writes to, so it keeps no account of them. */
export const withWritten = (scope: Scope, path: Path, value: Json): Scope => ({
  ...scope,
  context: withValueAt(scope.context, path, value),
  writes: scope.parent === undefined ? scope.writes : withValueAt(scope.writes, path, value),
});

/** The scope with one more state begun: what was evaluated for it has served. */
export const afterEntering = (scope: Scope, { state, visit }: AtStep): Scope => {
  const isAgain = visit > 1 && scope.visits.get(state) !== visit;
  const { idleVisits } = scope;
  return {
    ...scope,
    visits: scope.visits.set(state, visit),
    idleVisits: isAgain ? idleVisits.set(state, (idleVisits.get(state) ?? 0) + 1) : idleVisits,
    answers: undefined,
  };
};

/** Something came from outside to a scope: no loop that it, or one around it, is in goes round by itself. */
export const heardFromOutside = (run: Run, path: string): Run => {
  let heard = run;
  for (let at: string | undefined = path; at !== undefined; ) {
    const scope: Scope = scopeOf(heard, at);
    if (scope.idleVisits.size > 0)
      heard = { ...heard, scopes: heard.scopes.set(at, { ...scope, idleVisits: PersistentMap.empty() }) };
    at = scope.parent === undefined ? undefined : joinOf(heard, scope.parent.stepId).scope;
  }
  return heard;
};

/** The scope behind a state: what the state gave is written and remembered, and the cursor stands at what follows. */
export const afterOutput = (
  scope: Scope,
  output: Json,
  resultPath: Path | undefined,
  next: string | null,
): Scope => ({
  ...(resultPath === undefined ? scope : withWritten(scope, resultPath, output)),
  previous: { output },
  cursor: cursorTo(next),
});
