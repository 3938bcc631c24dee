/**
 * When a command may be gone although it was answered. 202 says that it lies in the stream and is not confirmed yet: it is
 * lost with that store, if nobody has taken it in before. Answered is later than stored, by as long as the api waits for
 * the confirmation: the request may have begun before the loss and have been answered after it.
 */
import type { Promised } from './client.js';
import type { Fault } from './faults.js';

type Command = Pick<Promised, 'status' | 'sentAt' | 'answeredAt'>;

/** `takeInMs`: so long may it take until what is in the stream is recorded, while nothing strikes. */
export const isLostWithTheStore = (
  { status, sentAt, answeredAt }: Command,
  faults: readonly Fault[],
  takeInMs: number,
): boolean => {
  if (status !== 202) return false;
  const quietUntil = (begin: number, end: number): boolean => {
    // Whatever strikes may hold it up; what a process does at its start takes its time, too.
    const strikes = faults.filter(({ at, until }) => at < end && until > begin).sort((a, b) => a.at - b.at);
    let from = begin;
    for (const { at, until } of strikes) {
      if (at - from >= takeInMs) return true;
      from = Math.max(from, until);
    }
    return end - from >= takeInMs;
  };
  return faults.some(
    ({ kind, at, struckAt }) => kind === 'wipe' && sentAt <= struckAt && !quietUntil(answeredAt, at),
  );
};
