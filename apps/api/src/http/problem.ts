/**
 * What a client is told when something is refused or fails: `application/problem+json` (RFC 9457).
 *
 * 1. `code` is stable and is what clients match; titles and details are for people.
 * 2. Every error passes through `toProblem`; what it does not know becomes a 500 that says nothing of the inside.
 */

import { ForbiddenError, TooLargeError, TransientError } from '@signalbox/messaging';
import { ContractError, type IssueMessage } from '@signalbox/protocol';
import { HTTPException } from 'hono/http-exception';
import type { ValidationResource } from '../resources/catalog.js';

/** An issue of a definition, or one wrong field of a request. */
export type ProblemEntry =
  | ValidationResource['errors'][number]
  | { readonly path: string; readonly message: string; readonly line?: number; readonly column?: number };

export interface ProblemDetails {
  readonly detail: string;
  readonly errors?: readonly ProblemEntry[];
  readonly warnings?: readonly ProblemEntry[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Codes that the api itself gives, each with its status and title. */
const ownCodes = {
  INVALID_REQUEST: [400, 'The request is not valid'],
  MALFORMED_REQUEST: [400, 'The request is not HTTP that can be read'],
  MALFORMED_BODY: [400, 'The body cannot be read'],
  INVALID_ACTOR: [400, 'The actor is not valid'],
  INVALID_CURSOR: [400, 'The cursor is not one of this list'],
  VALIDATION_FAILED: [400, 'The definition is not valid'],
  VALIDATION_LIMIT: [400, 'The validation takes more than its limit'],
  INVALID_INPUT: [400, 'The input is not valid'],
  FORBIDDEN_HOST: [403, 'The host is not allowed'],
  FORBIDDEN_ORIGIN: [403, 'The origin is not allowed'],
  ROUTE_NOT_FOUND: [404, 'There is no such route'],
  RUN_NOT_FOUND: [404, 'There is no such run'],
  RUN_START_REFUSED: [404, 'There is no such run: its start was refused'],
  STEP_NOT_FOUND: [404, 'There is no such step'],
  WORKFLOW_NOT_FOUND: [404, 'There is no such workflow'],
  AGENT_NOT_FOUND: [404, 'There is no such agent'],
  TEAMS_NOT_FOUND: [404, 'No teams are declared'],
  APPROVAL_NOT_FOUND: [404, 'There is no such approval'],
  METHOD_NOT_ALLOWED: [405, 'The method is not allowed here'],
  REQUEST_TIMEOUT: [408, 'The request took too long to arrive'],
  IDEMPOTENCY_KEY_REUSED: [409, 'The idempotency key belongs to another request'],
  DEAD_LETTER_OF_LOG: [409, 'The dead letter is a message of the log'],
  PAYLOAD_TOO_LARGE: [413, 'The request is too large'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'The media type is not supported'],
  EXPECTATION_FAILED: [417, 'The expectation cannot be met'],
  TOO_MANY_REQUESTS: [429, 'Too many requests wait on one connection'],
  HEADERS_TOO_LARGE: [431, 'The head of the request is too large'],
  INTERNAL: [500, 'Something unexpected went wrong'],
  UNAVAILABLE: [503, 'The service is not available right now'],
  TOO_MANY_STREAMS: [503, 'There are too many event streams'],
  VALIDATION_BUSY: [503, 'Too many definitions are being validated'],
  NOT_READY: [503, 'The read model is catching up'],
} as const satisfies Record<string, readonly [status: number, title: string]>;
export type OwnProblemCode = keyof typeof ownCodes;

/** Statuses of refusals that are not conflicts with the state of things. */
const refusalStatuses: Readonly<Record<string, number>> = {
  RUN_NOT_FOUND: 404,
  WORKFLOW_NOT_FOUND: 404,
  WORKFLOW_VERSION_NOT_FOUND: 404,
  AGENT_NOT_FOUND: 404,
  APPROVAL_NOT_FOUND: 404,
  STEP_NOT_FOUND: 404,
  APPROVER_NOT_ALLOWED: 403,
  REQUESTER_NOT_ALLOWED: 403,
  ANONYMOUS_NOT_ALLOWED: 403,
  DEAD_LETTER_NOT_FOUND: 404,
  INVALID_INPUT: 400,
  SIGNAL_PAYLOAD_INVALID: 400,
  SIGNAL_UNKNOWN: 404,
  INVALID_DEFINITION: 400,
  INVALID_WORKFLOW: 400,
  INVALID_AGENT: 400,
  INVALID_TEAMS: 400,
  VALIDATION_FAILED: 400,
  WORKFLOW_ID_MISMATCH: 400,
  PAYLOAD_TOO_LARGE: 413,
};

export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly details: ProblemDetails,
    options?: ErrorOptions,
  ) {
    super(details.detail, options);
  }
}

export const problem = (
  code: OwnProblemCode,
  details: ProblemDetails | string,
  options?: ErrorOptions,
): Problem => {
  const [status, title] = ownCodes[code];
  return new Problem(
    status,
    code,
    title,
    typeof details === 'string' ? { detail: details } : details,
    options,
  );
};

/** What the owner of the rules refused: 404, 403, 400 or 413 where the code says so, else 409. */
export const refusalProblem = (code: string, message: string, issues?: readonly IssueMessage[]): Problem => {
  const details = { detail: message, ...(issues === undefined ? {} : { errors: issues }) };
  if (code in ownCodes) return problem(code as OwnProblemCode, details);
  const status = refusalStatuses[code] ?? (issues === undefined ? 409 : 400);
  return new Problem(status, code, 'The request was refused', details);
};

const defaultRetryAfterMs = 1_000;

const unavailable = (error: TransientError): Problem =>
  problem(
    'UNAVAILABLE',
    {
      detail: 'What this needs cannot be reached right now; nothing is lost, try again',
      headers: {
        'retry-after': String(Math.max(1, Math.ceil((error.retryAfterMs ?? defaultRetryAfterMs) / 1_000))),
      },
    },
    { cause: error },
  );

const ofHttpException = (error: HTTPException): Problem => {
  if (error.status === 413)
    return problem('PAYLOAD_TOO_LARGE', 'The body is larger than the limit', { cause: error });
  if (error.status === 415)
    return problem('UNSUPPORTED_MEDIA_TYPE', 'This route does not take a body of that media type', {
      cause: error,
    });
  if (error.status === 400) return problem('MALFORMED_BODY', 'The body is not valid JSON', { cause: error });
  return problem('INTERNAL', 'The request could not be handled', { cause: error });
};

/** The one mapping of errors to answers. */
export const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  if (error instanceof TransientError) return unavailable(error);
  // What a client sends becomes a message with a few words more.
  if (error instanceof TooLargeError) return problem('PAYLOAD_TOO_LARGE', error.message, { cause: error });
  // The permissions of the api at the bus are wrong, which is nothing that a client can mend.
  if (error instanceof ContractError && !(error instanceof ForbiddenError))
    return problem('INVALID_REQUEST', {
      detail: error.message,
      errors: [{ path: error.place, message: error.message }],
    });
  if (error instanceof HTTPException) return ofHttpException(error);
  return problem('INTERNAL', 'The request could not be handled; the log of the api says why', {
    cause: error,
  });
};

/** The answer to `instance`, which is the path of the request. */
export const problemResponse = (problem: Problem, instance: string): Response =>
  new Response(problemText(problem, instance), {
    status: problem.status,
    headers: { 'content-type': problemMediaType, ...problem.details.headers },
  });

export const problemMediaType = 'application/problem+json';

export const problemText = (problem: Problem, instance: string): string => {
  const { detail, errors, warnings } = problem.details;
  return JSON.stringify({
    type: `urn:signalbox:problem:${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail,
    instance,
    code: problem.code,
    ...(errors === undefined ? {} : { errors }),
    ...(warnings === undefined ? {} : { warnings }),
  });
};
