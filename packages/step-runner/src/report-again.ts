/**
 * Reports results again after a reconnect: a server that was killed may have lost what it had acknowledged, and one whose
 * store was cut or rolled back acknowledges for a while what it cannot give back.
 *
 * At once, because the others ask soon whether the result waits; and then those that the log does not show yet, again and
 * again for a while. Whoever waits for a result that is lost all the same asks for the task again.
 */
import {
  type Connection,
  createRounds,
  onReconnect,
  type Publisher,
  TransientError,
} from '@signalbox/messaging';
import { eventSubjects } from '@signalbox/protocol';
import { lastFact } from './abort-watch.js';
import type { Attempts, FinishedAttempt } from './attempts.js';
import { isAttemptOver } from './step-outcome.js';

export interface ReportAgainParts {
  readonly connection: Connection;
  readonly publisher: Publisher;
  readonly attempts: Attempts;
  readonly now: () => number;
  /** When the log is asked for what it does not show, after a reconnect. */
  readonly roundsAtMs?: readonly number[];
}

/** What is older has been taken in, or asked for again. */
const losableMs = 60_000;
/** At once without a question. */
const justNowMs = 10_000;
const defaultRoundsAtMs = [1_000, 3_000, 7_000, 15_000];
const questionsAtOnce = 32;

export const followReconnects = (parts: ReportAgainParts): { readonly close: () => void } => {
  const { connection, publisher, attempts, now } = parts;
  const report = ({ result }: FinishedAttempt): void => {
    publisher.publish(result).catch(() => undefined);
  };
  let brokeAt = 0;
  const rounds = createRounds(
    parts.roundsAtMs ?? defaultRoundsAtMs,
    () => void reportMissing(parts, brokeAt, report),
  );
  const endListening = onReconnect(connection, () => {
    brokeAt = now();
    for (const finished of attempts.finishedSince(brokeAt - justNowMs)) report(finished);
    rounds.begin();
  });
  return {
    close: () => {
      rounds.close();
      endListening();
    },
  };
};

/** Of what was finished before the connection was there again. */
const reportMissing = async (
  { connection, attempts }: ReportAgainParts,
  brokeAt: number,
  report: (finished: FinishedAttempt) => void,
): Promise<void> => {
  const finished = attempts.finishedSince(brokeAt - losableMs).filter(({ at }) => at <= brokeAt + justNowMs);
  const isMissing = async ({ workspace, runId, stepId, attempt }: FinishedAttempt): Promise<boolean> => {
    const fact = await lastFact(connection, eventSubjects.step(workspace, runId, stepId), { mayLag: true });
    return fact === undefined || !isAttemptOver(fact, attempt);
  };
  for (let from = 0; from < finished.length; from += questionsAtOnce) {
    const some = finished.slice(from, from + questionsAtOnce);
    try {
      const missing = await Promise.all(some.map(isMissing));
      for (const [index, each] of some.entries()) if (missing[index] === true) report(each);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      return;
    }
  }
};
