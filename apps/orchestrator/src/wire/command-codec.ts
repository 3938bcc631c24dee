/** Wire → the engine's commands. */
import {
  type Command,
  type StepError,
  type StepErrorCode,
  stepError,
  stepErrorCodes,
} from '@signalbox/engine';
import type { ResumeMessage, RunCommand } from '@signalbox/protocol';

export type ControlCommand = Exclude<RunCommand, { type: 'start' | 'release' }>;

export const toControl = (command: ControlCommand): Command => {
  switch (command.type) {
    case 'pause':
    case 'cancel':
      return {
        type: command.type,
        actor: command.actor,
        ...(command.reason === undefined ? {} : { reason: command.reason }),
      };
    case 'resume':
      return { type: 'resume', actor: command.actor };
    case 'signal':
      return {
        type: 'signal',
        signal: command.signal,
        signalId: command.signalId,
        payload: command.payload,
        actor: command.actor,
      };
  }
};

export const toResumption = (message: ResumeMessage): Command => {
  switch (message.type) {
    case 'step.started':
      return {
        type: 'step_started',
        beginning: message.beginning,
        ...(message.replaces === undefined ? {} : { replaces: message.replaces }),
        ...ofStep(message),
      };
    case 'step.given_back': {
      const { stepId, attempt, beginning, worker } = message;
      return { type: 'step_given_back', stepId, attempt, beginning, worker };
    }
    case 'step.succeeded':
      return {
        type: 'step_succeeded',
        ...ofStep(message),
        output: message.output,
        ...(message.warnings === undefined ? {} : { warnings: message.warnings }),
      };
    case 'step.failed':
      return { type: 'step_failed', ...ofStep(message), error: toStepError(message.error) };
    case 'approval.decision':
      return {
        type: 'approval_decision',
        approvalId: message.approvalId,
        decision: message.decision,
        actor: message.actor,
        ...(message.comment === undefined ? {} : { comment: message.comment }),
        ...(message.data === undefined ? {} : { data: message.data }),
      };
    case 'approval.refusal':
      return {
        type: 'approval_refusal',
        approvalId: message.approvalId,
        actor: message.actor,
        code: message.code,
        message: message.message,
      };
    case 'child.ended':
      return {
        type: 'child_ended',
        stepId: message.stepId,
        childRunId: message.childRunId,
        outcome: message.outcome.ok
          ? message.outcome
          : { ok: false, error: toStepError(message.outcome.error) },
      };
  }
};

const ofStep = (message: Extract<ResumeMessage, { worker: string }>) => ({
  stepId: message.stepId,
  attempt: message.attempt,
  startedAt: message.startedAt,
  worker: message.worker,
});

interface WireError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: StepError['details'] | undefined;
}

const isStepErrorCode = (code: string): code is StepErrorCode =>
  (stepErrorCodes as readonly string[]).includes(code);

/** The list of codes is closed: one that a newer worker may know is kept in the message. */
const toStepError = (error: WireError): StepError =>
  isStepErrorCode(error.code)
    ? {
        code: error.code,
        message: error.message,
        retryable: error.retryable,
        ...(error.details === undefined ? {} : { details: error.details }),
      }
    : {
        ...stepError('AGENT_ERROR', `${error.code}: ${error.message}`, error.details),
        retryable: error.retryable,
      };
