/** Goes on with a decision of which the history has only the beginning (`interrupted.ts`), as that one would have. */

import { type Interruption, interruption } from '../interrupted.js';
import { required } from '../invariant-violation.js';
import type { Step } from '../run-state.js';
import { failApproval, goOnAfterDecision, rejecterOf } from './approval-decision.js';
import { endRun } from './cancel.js';
import { deliverKeptSignal } from './deliver-signal.js';
import { requestFor } from './enter-operation.js';
import { completeDetached } from './enter-waiting.js';
import { evaluationIdOf } from './evaluate.js';
import { placeOf } from './failure.js';
import { afterFailedAttempt, failEvaluated, failJoin, follow } from './follow.js';
import { goOnWithJoin } from './join.js';
import type { Turn } from './turn.js';

export const goOnInterrupted = (turn: Turn): void => {
  for (let found = interruption(turn.run); found !== undefined; found = interruption(turn.run))
    goOnWith(turn, found);
};

const goOnWith = (turn: Turn, found: Interruption): void => {
  switch (found.kind) {
    case 'join_decided': {
      const { stepId } = found.join;
      const failure = goOnWithJoin(turn, stepId);
      if (failure !== undefined) failJoin(turn, stepId, failure);
      break;
    }
    case 'attempt_failed':
      afterFailedAttempt(turn, found.step.stepId, errorOf(found.step));
      break;
    case 'state_failed':
      followFailed(turn, found.step);
      break;
    case 'approval_not_requested':
      request(turn, found.step);
      break;
    case 'approval_decided':
      goOnAfterDecision(turn, found.approval);
      break;
    case 'signal_not_taken':
      deliverKeptSignal(turn, found.signal);
      break;
    case 'child_detached':
      completeDetached(turn, found.step);
      break;
    case 'end_not_recorded':
      endRun(turn, {
        type: 'run.cancelled',
        actor: 'system:orchestrator',
        reason: 'its end had begun, and the log does not tell by whom',
      });
      break;
  }
};

const errorOf = ({ stepId, error }: Step) => required(error, `the error of step ${stepId}`);

const followFailed = (turn: Turn, step: Step): void => {
  const { stepId, kind, state, scope } = step;
  const error = errorOf(step);
  if (kind === 'evaluation') {
    const isOfEnd = stepId === evaluationIdOf(turn, { kind: 'end', scope });
    failEvaluated(turn, stepId, isOfEnd ? null : state, error);
    return;
  }
  const plan = turn.planOf(step);
  const retry = plan.type === 'operation' && step.target !== undefined ? plan.retry : undefined;
  const rejectedBy = rejecterOf(turn, stepId);
  follow(turn, placeOf(step), {
    error,
    originStepId: stepId,
    ...(retry === undefined ? {} : { originMaxAttempts: retry.maxAttempts }),
    ...(rejectedBy === undefined ? {} : { rejectedBy }),
  });
};

const request = (turn: Turn, step: Step): void => {
  const plan = turn.planOf(step);
  const input = step.open?.kind === 'approval' ? step.open.input : undefined;
  const timeoutMs = plan.type === 'operation' ? plan.timeoutMs : undefined;
  const asked = requestFor(turn, turn.scope(step.scope), step, timeoutMs, input ?? null);
  if (asked.ok) turn.emit(asked.event);
  else failApproval(turn, step.stepId, asked.error);
};
