/** What the event stream says about a step or run that a worker holds. Pure. */
import type { EventData } from '@signalbox/protocol';

/**
 * True when nobody waits for a result of this attempt any more: it has ended one way or another, or a later
 * attempt has taken its place. One rule for two moments: a redelivery, and a step at work.
 */
export const isAttemptOver = (fact: EventData, attempt: number): boolean => {
  switch (fact.type) {
    case 'step.succeeded':
    case 'step.failed':
    case 'step.exhausted':
      return fact.attempt >= attempt;
    case 'step.skipped':
    case 'step.cancelled':
      return true;
    case 'step.scheduled':
    case 'step.started':
    case 'step.given_back':
    case 'step.retry_scheduled':
      return fact.attempt > attempt;
    default:
      return false;
  }
};
