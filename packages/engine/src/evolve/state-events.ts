/** States that no worker executes: instantaneous ones, and those that are entered and left again. */
import type { AtStep, Instant, RunEvent } from '../event.js';
import type { Json } from '../json.js';
import { PersistentMap } from '../persistent-map.js';
import type { Join, OpenStep, Run, Step, StepKind, Timer } from '../run-state.js';
import type { StepStatus } from '../run-status.js';
import { childPrefixOf } from '../scope-path.js';
import { timerIdOf } from '../timer-id.js';
import {
  afterEntering,
  afterOutput,
  cursorTo,
  ended,
  heardFromOutside,
  newStep,
  scopeOf,
  withJoin,
  withoutJoin,
  withoutMember,
  withScope,
  withStep,
  withWritten,
} from './edit.js';
import { joinOutput } from './join-output.js';
import { failedStatusOf } from './step-events.js';

type Of<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;
type Entered = Of<'state.entered'>;

/** A step that no worker executes begins as soon as it is entered. */
const begunStep = (event: AtStep, kind: StepKind, status: StepStatus, at: Instant): Step => ({
  ...newStep(event, kind, status, at),
  startedAt: at,
});

/** A state that has waited for something outside, and not in vain: a wait of no length goes round by itself. */
const withOutside = (run: Run, event: AtStep): Run => {
  const step = run.steps.get(event.stepId);
  const kind = step?.open?.kind;
  const hasWaited =
    kind === 'signal' ||
    (kind === 'workflow' && step?.open?.kind === 'workflow' && step.open.waits) ||
    (kind === 'wait' && (step?.timer?.dueAt ?? 0) > (step?.scheduledAt ?? 0));
  return hasWaited ? heardFromOutside(run, event.scope) : run;
};

export const stateEntered = (run: Run, event: Entered, at: Instant): Run => {
  const status = event.kind === 'signal' ? 'WAITING_SIGNAL' : 'RUNNING';
  const step: Step = {
    ...begunStep(event, event.kind, status, at),
    timer: timerOf(event),
    childRunId: event.kind === 'workflow' ? event.childRunId : undefined,
    open: openOf(event),
  };
  const scope = afterEntering(scopeOf(run, event.scope), event);
  const entered = withScope(withStep(run, step), { ...scope, cursor: { kind: 'at', stepId: event.stepId } });
  return event.kind === 'parallel' || event.kind === 'foreach' ? withJoin(entered, joinAt(event)) : entered;
};

const timerOf = (event: Entered): Timer | undefined => {
  const { stepId } = event;
  if (event.kind === 'wait') {
    const purpose = { kind: 'wait_over', stepId } as const;
    return { timerId: timerIdOf(purpose), dueAt: event.dueAt, purpose };
  }
  if (event.kind !== 'signal' || event.timeoutAt === undefined) return undefined;
  const purpose = { kind: 'signal_timeout', stepId } as const;
  return { timerId: timerIdOf(purpose), dueAt: event.timeoutAt, purpose };
};

const openOf = (event: Entered): OpenStep => {
  switch (event.kind) {
    case 'parallel':
    case 'foreach':
      return { kind: 'join' };
    case 'wait':
      return { kind: 'wait', next: event.next };
    case 'signal':
      return { kind: 'signal', signal: event.signal, resultPath: event.resultPath, next: event.next };
    case 'workflow':
      return {
        kind: 'workflow',
        workflow: event.workflow,
        input: event.input,
        waits: event.waits,
        resultPath: event.resultPath,
        next: event.next,
      };
  }
};

const joinAt = (event: Extract<Entered, { kind: 'parallel' | 'foreach' }>): Join => {
  const base = {
    stepId: event.stepId,
    scope: event.scope,
    childPrefix: childPrefixOf(event.scope, event.state, event.visit),
    maxConcurrency: event.maxConcurrency,
    resultPath: event.resultPath,
    next: event.next,
    forkedCount: 0,
    succeededCount: 0,
    failedCount: 0,
    live: PersistentMap.empty<true>(),
    outcomes: PersistentMap.empty<never>(),
  };
  if (event.kind === 'parallel')
    return {
      ...base,
      kind: 'parallel',
      total: event.branches.length,
      branches: event.branches,
      mode: event.join,
      toleratedFailures: 0,
    };
  return {
    ...base,
    kind: 'foreach',
    total: event.itemCount,
    branches: [],
    items: { path: event.itemsPath, name: event.itemName, start: event.start },
    mode: 'all',
    toleratedFailures: event.toleratedFailures,
  };
};

/** What the state gave, and where it goes; undefined for a state that gives nothing. */
const resultOf = (run: Run, event: Of<'state.completed'>): Json | undefined => {
  const join = run.joins.get(event.stepId);
  return join === undefined ? event.output : joinOutput(join);
};

export const stateCompleted = (before: Run, event: Of<'state.completed'>, at: Instant): Run => {
  const run = withOutside(before, event);
  const output = resultOf(run, event);
  const entered = run.steps.get(event.stepId) ?? begunStep(event, event.kind, 'RUNNING', at);
  const step = ended(entered, at, { status: 'SUCCEEDED', error: undefined, output });
  const scope = afterEntering(scopeOf(run, event.scope), event);
  const left = withStep(withoutJoin(takenSignal(run, event), event.stepId), step);
  return withScope(
    left,
    output === undefined
      ? { ...scope, cursor: cursorTo(event.next) }
      : afterOutput(scope, output, event.resultPath, event.next),
  );
};

/** A signal state that is over has taken the oldest signal of its name, if there was one. */
const takenSignal = (run: Run, event: AtStep): Run => {
  const open = run.steps.get(event.stepId)?.open;
  if (open?.kind !== 'signal') return run;
  const oldest = run.signals.kept.get(open.signal)?.firstKey();
  if (oldest === undefined) return run;
  return {
    ...run,
    signals: { ...run.signals, kept: withoutMember(run.signals.kept, open.signal, oldest) },
  };
};

export const stateFailed = (before: Run, event: Of<'state.failed'>, at: Instant): Run => {
  const run = withOutside(before, event);
  const entered = run.steps.get(event.stepId) ?? begunStep(event, event.kind, 'RUNNING', at);
  const step = ended(entered, at, { status: failedStatusOf(event.error.code), error: event.error });
  const scope = afterEntering(scopeOf(run, event.scope), event);
  return withScope(withStep(withoutJoin(takenSignal(run, event), event.stepId), step), {
    ...scope,
    cursor: { kind: 'failing', stepId: event.stepId },
  });
};

export const stateCaught = (run: Run, event: Of<'state.caught'>): Run => {
  const scope = scopeOf(run, event.scope);
  const written =
    event.resultPath === undefined ? scope : withWritten(scope, event.resultPath, { ...event.error });
  return withScope(run, { ...written, cursor: { kind: 'ready', state: event.next } });
};

export const signalReceived = (run: Run, event: Of<'signal.received'>): Run => {
  const { seen, kept, waiting } = run.signals;
  const ofName = kept.get(event.signal) ?? PersistentMap.empty<{ readonly payload: Json }>();
  return {
    ...run,
    signals: {
      seen: seen.set(event.signalId, event.digest),
      kept: kept.set(event.signal, ofName.set(event.signalId, { payload: event.payload })),
      waiting,
    },
  };
};
