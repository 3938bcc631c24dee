/** What a run waits for right now. A start-up check and a reconciler compare it with what timers and streams hold. */
import type { Effect } from './effect.js';
import { familyOfChild } from './family.js';
import { interruption } from './interrupted.js';
import { required } from './invariant-violation.js';
import type { Run, RunState, Step, Timer } from './run-state.js';
import { interruptedTimerId, runTimeoutTimerId, yieldTimerId } from './timer-id.js';

const openSteps = (run: Run): readonly Step[] =>
  [...run.open.keys()].map((stepId) => required(run.steps.get(stepId), `step ${stepId}`));

const isOver = (run: Run): boolean => run.phase.kind !== 'running' && run.phase.kind !== 'paused';

/** Something can go on without anything from outside; a paused run only takes back what is decided already. */
const wantsTurn = ({ phase, ready, forkable, closing }: Run): boolean => {
  if (phase.kind === 'ending' || closing.size > 0) return true;
  return phase.kind === 'running' && (ready.size > 0 || forkable.size > 0);
};

/** The timers that must be set. Costs what is in flight. */
export const timers = (state: RunState): readonly Timer[] => {
  if (state.kind === 'none') return [];
  const found: Timer[] = [];
  const dueAt = state.yieldedAt ?? state.startedAt;
  // Who goes on with what was broken off takes up all the rest, too.
  if (interruption(state) !== undefined)
    found.push({ timerId: interruptedTimerId, dueAt, purpose: { kind: 'interrupted' } });
  else if (wantsTurn(state)) found.push({ timerId: yieldTimerId, dueAt, purpose: { kind: 'yield_over' } });
  // What an ending run has set besides falls to its end.
  if (isOver(state)) return found;
  const { timeoutAt } = state.started;
  if (timeoutAt !== undefined)
    found.push({ timerId: runTimeoutTimerId, dueAt: timeoutAt, purpose: { kind: 'run_timeout' } });
  for (const step of openSteps(state)) if (step.timer !== undefined) found.push(step.timer);
  return found;
};

export type PendingDispatch = Extract<Effect, { type: 'dispatch_step' | 'request_approval' | 'start_child' }>;

/** The effects that have been asked for and not been answered: steps, approvals, child runs. Costs what is in flight. */
export const pendingDispatches = (state: RunState): readonly PendingDispatch[] => {
  if (state.kind === 'none' || isOver(state)) return [];
  const found: PendingDispatch[] = [];
  for (const step of openSteps(state)) {
    const pending = pendingOf(state, step);
    if (pending !== undefined) found.push(pending);
  }
  return found;
};

/** The one of them that a step waits for, which is looked up: asked for each step, `pendingDispatches` would cost their square. */
export const pendingDispatch = (state: RunState, stepId: string): PendingDispatch | undefined => {
  if (state.kind === 'none' || isOver(state)) return undefined;
  const step = state.open.has(stepId) ? state.steps.get(stepId) : undefined;
  return step === undefined ? undefined : pendingOf(state, step);
};

/** Whether the end of this child run still means something to the step that has started it. */
export const waitsForChild = (state: RunState, stepId: string, childRunId: string): boolean => {
  if (state.kind === 'none' || isOver(state)) return false;
  const step = state.steps.get(stepId);
  return step?.open?.kind === 'workflow' && step.childRunId === childRunId;
};

const pendingOf = (run: Run, step: Step): PendingDispatch | undefined => {
  const { open, stepId } = step;
  if (open?.kind === 'dispatched')
    return {
      type: 'dispatch_step',
      stepId,
      attempt: step.attempt,
      scope: step.scope,
      state: step.state,
      action: required(step.action, `action of step ${stepId}`),
      target: open.target,
      input: open.input,
      outputValidation: open.outputValidation,
      ...(step.timer === undefined ? {} : { timeoutAt: step.timer.dueAt }),
    };
  if (open?.kind === 'approval') {
    const approval = required(run.approvals.get(stepId), `approval ${stepId}`);
    return { type: 'request_approval', request: approval.request };
  }
  if (open?.kind !== 'workflow') return undefined;
  const childRunId = required(step.childRunId, `child run of step ${stepId}`);
  const { workflow, input, waits } = open;
  const child = { stepId, childRunId, workflow, input, linked: waits };
  return { type: 'start_child', ...child, ...familyOfChild(run.started) };
};
