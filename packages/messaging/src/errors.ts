/**
 * What can go wrong at the bus, by owner (the table is in the style guide). Matched by class or code, never by
 * text. `ContractError` belongs to the wire and lives in the protocol.
 */
import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';
import { ContractError } from '@signalbox/protocol';
import { quotesNobody } from '@signalbox/telemetry';

/** Busy, no responders, timed out: the nearest loop backs off and tries again. */
export class TransientError extends Error {
  override name = 'TransientError';
  readonly [quotesNobody] = true;
  /** When given, the time after which another try makes sense. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { retryAfterMs?: number } = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The server's permissions do not let this process publish there: it will take no other try either. */
export class ForbiddenError extends ContractError {}

/** Larger than the server or the stream takes, whoever sends it and however often. */
export class TooLargeError extends ContractError {}

/** Something that cannot be is so: log, exit, restart, replay. */
export class InvariantViolation extends Error {
  override name = 'InvariantViolation';
}

/** The server's error codes that this package tells apart. */
export const apiCodes = {
  badRequest: 10003,
  consumerNotFound: 10014,
  invalidJson: 10025,
  messageNotFound: 10037,
  notEnabled: 10039,
  messageTooLarge: 10054,
  /** Beyond what the stream holds, or in a stream that counts anew. */
  sequenceNotFound: 10043,
  streamConfigInvalid: 10052,
  deleteFailed: 10057,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  subjectsOverlap: 10065,
} as const;

export const hasApiCode = (error: unknown, ...codes: readonly number[]): boolean =>
  error instanceof JetStreamApiError && codes.includes(error.code);

/** The request itself is wrong, or contradicts what an operator has set up: no repetition will be taken. */
const refusedForGood = [
  apiCodes.badRequest,
  apiCodes.invalidJson,
  apiCodes.messageTooLarge,
  apiCodes.streamConfigInvalid,
  apiCodes.subjectsOverlap,
];

const passing = [
  errors.ClosedConnectionError,
  errors.ConnectionError,
  errors.DrainingConnectionError,
  errors.NoRespondersError,
  errors.RequestError,
  errors.TimeoutError,
] as const;

/**
 * The server has no JetStream, or not yet: for an instant when it reads its configuration again, too. The client library
 * has a class of its own for that, and does not give it out.
 */
const isWithoutJetStream = (error: unknown): boolean =>
  error instanceof Error &&
  (hasApiCode(error.cause, apiCodes.notEnabled) || error.cause instanceof errors.RequestError);

/**
 * Whether the same request may succeed later: the server is away, busy, has no leader, no room, or not yet what it had
 * before. A code that this release does not know counts as one that may pass: a process that ended of it would end
 * again and again, and take what works with it.
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof TransientError) return true;
  if (error instanceof JetStreamApiError) return !hasApiCode(error, ...refusedForGood);
  if (error instanceof JetStreamError || isWithoutJetStream(error)) return true;
  return passing.some((kind) => error instanceof kind);
}
