/** The error of a failed run: which state, which attempt, what happened, and what can be done. */
import type { StepError, StepErrorCode } from './error.js';
import { cut, maxMessageLength } from './excerpt.js';
import { isJsonObject } from './json.js';
import type { Step } from './run-state.js';

const advice: { readonly [code in StepErrorCode]: string } = {
  AGENT_NOT_FOUND: 'Add the agent to the workspace, or correct its name in the workflow.',
  AGENT_ERROR: "Look at the step's error; raise `retry.maxAttempts` if it passes by itself.",
  SCHEMA_VALIDATION_INPUT: "Make the state's `input` fit the agent's input schema.",
  SCHEMA_VALIDATION_OUTPUT:
    "Correct the agent's prompt or its output schema, or drop `outputValidation: strict`.",
  TEMPLATE_ERROR: 'Correct the template or the path; `.get(key, default)` asks for what may be absent.',
  EXPRESSION_ERROR: 'Correct the expression; `hasattr` and `.get` ask for what may be absent.',
  EXPRESSION_LIMIT: 'Make the expression do less, or let a step compute it.',
  NO_MATCHING_CONDITION: 'Add a condition that covers this case, or a `defaultNext`.',
  ITEMS_NOT_A_LIST: 'Let `itemsPath` lead to a list.',
  INVALID_RESULT:
    'The worker sent JSON that does not mean the same to everybody: a key that stands twice, a number that cannot be kept, half of a surrogate pair. Mend who executes the step.',
  PAYLOAD_TOO_LARGE: 'Where a state made it, its `catch` for PAYLOAD_TOO_LARGE can go another way.',
  STEP_TIMEOUT: 'Raise `timeoutSeconds`, or add attempts under `retry`.',
  RUN_TIMEOUT: "Raise the workflow's `timeoutSeconds`.",
  APPROVAL_REJECTED: 'Add a `catch` for APPROVAL_REJECTED to go another way.',
  APPROVAL_EXPIRED: 'Raise `timeoutSeconds` of the approval, or add a `catch` for APPROVAL_EXPIRED.',
  SIGNAL_TIMEOUT: 'Raise `timeoutSeconds` of the signal, or add a `catch` for SIGNAL_TIMEOUT.',
  TOOL_DENIED: 'Let a policy allow the tool, or use another.',
  TOOL_ERROR: "Look at the tool's answer in the step's error.",
  PROVIDER_UNAVAILABLE: "Check the model provider's address and health; add attempts under `retry`.",
  PROVIDER_RATE_LIMITED: 'Wait, lower the concurrency, or add attempts with a longer back-off.',
  PROVIDER_AUTH: "Check the model provider's key.",
  PROVIDER_REFUSED: "The provider refused the request; change the agent's prompt or its model.",
  WORKER_LOST: 'Check that workers are running; add attempts under `retry`.',
  LIMIT_EXCEEDED: 'Let the workflow end earlier, or raise the limit where that is right.',
  POISON_MESSAGE:
    'Each worker that began it died of it, or was killed, or its task was set aside: look at the logs of those that its events name, and at the dead letters.',
  CANCELLED: 'Start the run again if it was cancelled by mistake.',
  INTERNAL: 'This is a fault of Signalbox; please report it with the run id.',
};

export interface FailurePlace {
  /** Absent where no step failed, but the end of a scope or the run as a whole: the message says which. */
  readonly step: Step | undefined;
  /** Of an operation. */
  readonly originMaxAttempts?: number;
}

/** The same code; message and details say the place too. */
export const explainedError = (error: StepError, place: FailurePlace): StepError => {
  const { step } = place;
  const known = isJsonObject(error.details) ? error.details : {};
  const details =
    step === undefined
      ? known
      : { ...known, state: step.state, scope: step.scope, stepId: step.stepId, attempt: step.attempt };
  const message = `${capitalised(introduction(place) + sentence(cut(error.message, maxMessageLength)))} ${advice[error.code]}`;
  return { ...error, message, details };
};

const introduction = ({ step, originMaxAttempts }: FailurePlace): string => {
  if (step === undefined) return '';
  const scope = step.scope === '' ? '' : ` in "${step.scope}"`;
  const of = originMaxAttempts === undefined ? '' : ` of ${originMaxAttempts}`;
  const attempt = step.kind === 'operation' ? ` on attempt ${step.attempt}${of}` : '';
  return `State "${step.state}"${scope} failed${attempt}: `;
};

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
