/** The closed list of what can go wrong in a step, and whether trying again can help by default. */
import { cut, maxMessageLength } from './excerpt.js';
import type { Json } from './json.js';
import { sizeProblem } from './json-size.js';

const retryableByDefault = {
  AGENT_NOT_FOUND: false,
  AGENT_ERROR: true,
  SCHEMA_VALIDATION_INPUT: false,
  SCHEMA_VALIDATION_OUTPUT: true,
  TEMPLATE_ERROR: false,
  EXPRESSION_ERROR: false,
  EXPRESSION_LIMIT: false,
  NO_MATCHING_CONDITION: false,
  ITEMS_NOT_A_LIST: false,
  PAYLOAD_TOO_LARGE: false,
  INVALID_RESULT: false,
  STEP_TIMEOUT: true,
  RUN_TIMEOUT: false,
  APPROVAL_REJECTED: false,
  APPROVAL_EXPIRED: false,
  SIGNAL_TIMEOUT: false,
  TOOL_DENIED: false,
  TOOL_ERROR: true,
  PROVIDER_UNAVAILABLE: true,
  PROVIDER_RATE_LIMITED: true,
  PROVIDER_AUTH: false,
  PROVIDER_REFUSED: false,
  WORKER_LOST: true,
  POISON_MESSAGE: false,
  LIMIT_EXCEEDED: false,
  CANCELLED: false,
  INTERNAL: false,
} as const;

export type StepErrorCode = keyof typeof retryableByDefault;

export const stepErrorCodes = Object.keys(retryableByDefault) as readonly StepErrorCode[];

export interface StepError {
  readonly code: StepErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: Json;
}

/** A step error with the code's default of `retryable`. */
export const stepError = (code: StepErrorCode, message: string, details?: Json): StepError => ({
  code,
  message,
  retryable: retryableByDefault[code],
  ...(details === undefined ? {} : { details }),
});

const maxDetailsBytes = 16 * 1024;

/**
 * The error as it can be recorded and sent on, whatever was quoted into it: a long message is cut, details beyond the
 * limit are left out.
 */
export const bounded = (error: StepError): StepError => {
  const { details, ...rest } = error;
  const isLong = error.message.length > maxMessageLength;
  const isLarge = details !== undefined && sizeProblem(details, maxDetailsBytes) !== undefined;
  if (!isLong && !isLarge) return error;
  const message = cut(error.message, maxMessageLength);
  return details === undefined || isLarge ? { ...rest, message } : { ...rest, message, details };
};
