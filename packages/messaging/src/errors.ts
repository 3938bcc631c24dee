/**
 * What can go wrong at the bus, by owner (the table is in the style guide). Matched by class, never by text.
 */

/** Busy, no responders, timed out: the nearest loop backs off and tries again. */
export class TransientError extends Error {
  override name = 'TransientError';
  /** When given, the time after which another try makes sense. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { retryAfterMs?: number } = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A message that does not parse or names an unknown version: terminated and kept as a dead letter. */
export class ContractError extends Error {
  override name = 'ContractError';
}

/** Something that cannot be is so: log, exit, restart, replay. */
export class InvariantViolation extends Error {
  override name = 'InvariantViolation';
}
