/** Operations: the input is made, then a worker, an agent or a person is asked. */
import { type StepError, stepError } from '../error.js';
import { noNames } from '../evaluation.js';
import type { AtStep } from '../event.js';
import { previousOutput } from '../expression-scope.js';
import { isJsonObject, type Json } from '../json.js';
import type { OperationPlan } from '../plan.js';
import type { Scope } from '../run-state.js';
import { type Rendered, renderTemplate } from '../template.js';
import type { Evaluator } from '../world.js';
import { approvalRequestOf } from './approval-request.js';
import { failState } from './follow.js';
import { inputTooLarge } from './too-large.js';
import type { Turn } from './turn.js';

export const enterOperation = (
  turn: Turn,
  scope: Scope,
  at: AtStep,
  plan: OperationPlan,
  answers: Evaluator,
): void => {
  const input = inputOf(turn, scope, plan, answers);
  if (!input.ok) {
    failState(turn, at, 'operation', input.error);
    return;
  }
  const tooLarge = inputTooLarge(turn.world, `the input of state "${at.state}"`, input.value);
  if (tooLarge !== undefined) {
    failState(turn, at, 'operation', tooLarge);
    return;
  }
  if (plan.action === 'human.approval') {
    requestApproval(turn, scope, at, plan, input.value);
    return;
  }
  scheduleAttempt(turn, at, plan, 1, input.value);
};

/** An attempt begins; its timeout, if it has one, counts from now. */
export const scheduleAttempt = (
  turn: Turn,
  at: AtStep,
  plan: OperationPlan,
  attempt: number,
  input: Json,
): void => {
  const event = {
    type: 'step.scheduled',
    stepId: at.stepId,
    scope: at.scope,
    state: at.state,
    visit: at.visit,
    attempt,
    action: plan.action,
    target: plan.target,
    input,
    outputValidation: plan.outputValidation,
    resultPath: plan.resultPath,
    next: plan.next,
  } as const;
  // An approval has a time of its own: its expiry.
  const timeoutMs = plan.action === 'human.approval' ? undefined : plan.timeoutMs;
  turn.emit(timeoutMs === undefined ? event : { ...event, timeoutAt: turn.world.now + timeoutMs });
};

const inputOf = (turn: Turn, scope: Scope, plan: OperationPlan, answers: Evaluator): Rendered => {
  const rendered = renderTemplate(plan.input, noNames, answers);
  if (!rendered.ok || plan.action !== 'agent.run') return rendered;
  const input = rendered.value;
  if (!isJsonObject(input)) return refused(stepError('TEMPLATE_ERROR', 'the input must be an object'));
  if (typeof input.agent !== 'string' || input.agent.trim() === '')
    return refused(stepError('AGENT_NOT_FOUND', 'agent name is required'));
  if (!plan.takesPreviousOutput) return rendered;
  return { ok: true, value: { ...input, variables: previousOutput(turn.run, scope) } };
};

const refused = (error: StepError): Rendered => ({ ok: false, error });

/** Of a step that is about to be scheduled, or is already. */
export const requestFor = (
  turn: Turn,
  scope: Scope,
  { stepId, state }: Pick<AtStep, 'stepId' | 'state'>,
  timeoutMs: number | undefined,
  input: Json,
): ReturnType<typeof approvalRequestOf> => {
  const expiresAt = timeoutMs === undefined ? undefined : turn.world.now + timeoutMs;
  const asked = { stepId, state, requestedBy: turn.run.started.startedBy, expiresAt };
  return approvalRequestOf(asked, input, scope.context, turn.world);
};

const requestApproval = (turn: Turn, scope: Scope, at: AtStep, plan: OperationPlan, input: Json): void => {
  const request = requestFor(turn, scope, at, plan.timeoutMs, input);
  if (!request.ok) {
    failState(turn, at, 'operation', request.error);
    return;
  }
  scheduleAttempt(turn, at, plan, 1, input);
  turn.emit(request.event);
};
