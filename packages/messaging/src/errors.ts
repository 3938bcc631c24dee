/**
 * What can go wrong at the bus, by owner (the table is in the style guide). Matched by class or code, never by
 * text. `ContractError` belongs to the wire and lives in the protocol.
 */
import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';
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

/** Something that cannot be is so: log, exit, restart, replay. */
export class InvariantViolation extends Error {
  override name = 'InvariantViolation';
}

/** The server's error codes that this package tells apart. */
export const apiCodes = {
  consumerNotFound: 10014,
  messageNotFound: 10037,
  messageTooLarge: 10054,
  /** Beyond what the stream holds, or in a stream that counts anew. */
  sequenceNotFound: 10043,
  deleteFailed: 10057,
  streamNameInUse: 10058,
  streamNotFound: 10059,
} as const;

export const hasApiCode = (error: unknown, ...codes: readonly number[]): boolean =>
  error instanceof JetStreamApiError && codes.includes(error.code);

const passing = [
  errors.ClosedConnectionError,
  errors.ConnectionError,
  errors.DrainingConnectionError,
  errors.NoRespondersError,
  errors.RequestError,
  errors.TimeoutError,
] as const;

/** Whether the same request may succeed later: the server is away, busy or has no leader at the moment. */
export function isPassing(error: unknown): boolean {
  if (error instanceof TransientError) return true;
  if (error instanceof JetStreamApiError)
    return error.status === 503 || hasApiCode(error, apiCodes.streamNotFound);
  return error instanceof JetStreamError || passing.some((kind) => error instanceof kind);
}
