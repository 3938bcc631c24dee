import type { Attempt, DurationMs } from './event.js';
import type { RetryPolicy } from './plan.js';

/** 13 hex digits are 52 bits: as many as a fraction can hold exactly. */
const fractionDigits = 13;

/**
 * Pause after a failed attempt: initial × multiplier^(attempt − 1), at most the policy's cap, with full jitter
 * (anything from nothing to that). The jitter comes from step and attempt, so replay and retry agree on it.
 */
export const backoffMs = (
  policy: RetryPolicy,
  stepId: string,
  attempt: Attempt,
  digest: (text: string) => string,
): DurationMs => {
  if (policy.initialBackoffMs <= 0) return 0;
  const grown = policy.initialBackoffMs * policy.multiplier ** (attempt - 1);
  const ceiling = Math.min(grown, policy.maxBackoffMs);
  const drawn = Number.parseInt(digest(`${stepId}|${attempt}`).slice(0, fractionDigits), 16);
  return Math.round(ceiling * (drawn / 16 ** fractionDigits));
};
