/** States that wait for something other than a worker: a time, a signal, another run. */
import { stepError } from '../error.js';
import { noNames } from '../evaluation.js';
import type { AtStep, Instant } from '../event.js';
import { quoted } from '../excerpt.js';
import { parseInstant } from '../instant.js';
import type { ChildWorkflowPlan, SignalPlan, WaitPlan } from '../plan.js';
import type { Step } from '../run-state.js';
import { childRunIdOf } from '../step-id.js';
import { renderTemplate } from '../template.js';
import type { Evaluator } from '../world.js';
import { deliverKeptSignal } from './deliver-signal.js';
import { placeOf } from './failure.js';
import { failState } from './follow.js';
import { noRoomInFamily } from './limits.js';
import { inputTooLarge } from './too-large.js';
import type { Turn } from './turn.js';

export const enterWait = (turn: Turn, at: AtStep, plan: WaitPlan, answers: Evaluator): void => {
  if ('delayMs' in plan.until) {
    enterUntil(turn, at, plan, turn.world.now + plan.until.delayMs);
    return;
  }
  const rendered = renderTemplate(plan.until.instant, noNames, answers);
  if (!rendered.ok) {
    failState(turn, at, 'wait', rendered.error);
    return;
  }
  const dueAt = typeof rendered.value === 'string' ? parseInstant(rendered.value) : undefined;
  if (dueAt === undefined) {
    const message = `"until" must be an RFC 3339 time such as 2030-01-31T12:00:00Z, not ${quoted(rendered.value)}`;
    failState(turn, at, 'wait', stepError('TEMPLATE_ERROR', message));
    return;
  }
  enterUntil(turn, at, plan, dueAt);
};

/** A time that has passed is due at once; one before 1970 is no instant of a history. */
const enterUntil = (turn: Turn, at: AtStep, plan: WaitPlan, dueAt: Instant): void =>
  turn.emit({ type: 'state.entered', ...at, kind: 'wait', dueAt: Math.max(0, dueAt), next: plan.next });

export const enterSignal = (turn: Turn, at: AtStep, plan: SignalPlan): void => {
  turn.emit({
    type: 'state.entered',
    ...at,
    kind: 'signal',
    signal: plan.signal,
    ...(plan.timeoutMs === undefined ? {} : { timeoutAt: turn.world.now + plan.timeoutMs }),
    resultPath: plan.resultPath,
    next: plan.next,
  });
  deliverKeptSignal(turn, plan.signal);
};

export const enterChildWorkflow = (
  turn: Turn,
  at: AtStep,
  plan: ChildWorkflowPlan,
  answers: Evaluator,
): void => {
  const noRoom = noRoomInFamily(turn);
  if (noRoom !== undefined) {
    failState(turn, at, 'workflow', noRoom);
    return;
  }
  const rendered = renderTemplate(plan.input, noNames, answers);
  if (!rendered.ok) {
    failState(turn, at, 'workflow', rendered.error);
    return;
  }
  const tooLarge = inputTooLarge(turn.world, `the input of state "${at.state}"`, rendered.value);
  if (tooLarge !== undefined) {
    failState(turn, at, 'workflow', tooLarge);
    return;
  }
  const { waits, resultPath, next } = plan;
  const childRunId = childRunIdOf(turn.run.started.runId, at.stepId, turn.world.digest);
  turn.emit({
    type: 'state.entered',
    ...at,
    kind: 'workflow',
    workflow: plan.workflow,
    childRunId,
    input: rendered.value,
    waits,
    resultPath,
    next,
  });
  if (!waits) completeDetached(turn, turn.step(at.stepId));
};

/** A child run that is not waited for has been started. */
export const completeDetached = (turn: Turn, step: Step): void => {
  const { open, childRunId } = step;
  if (open?.kind !== 'workflow' || childRunId === undefined) return;
  const { next, resultPath } = open;
  const output = { run_id: childRunId };
  turn.emit({ type: 'state.completed', ...placeOf(step), kind: 'workflow', next, output, resultPath });
};
