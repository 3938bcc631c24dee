/**
 * One orchestrator on a bus, whatever database it has.
 *
 * 1. Who starts asks first. Who answers is at work already; who listens and does not answer may be at work again soon.
 * 2. Two that start at once both hear nobody: each asks again now and then, and the later one ends.
 */
import { hostname } from 'node:os';
import { answerCalls, type Connection, call, pause, TransientError } from '@signalbox/messaging';
import { presenceSubjects } from '@signalbox/protocol';
import { CannotRun } from '@signalbox/service';

interface Card {
  readonly instanceId: string;
  readonly startedAt: number;
  readonly installationId: string;
  readonly host: string;
  readonly pid: number;
}

export interface PresenceOptions {
  readonly connection: Connection;
  readonly installationId: string;
  readonly instanceId: string;
  readonly startedAt: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

export interface Presence {
  /** Asks who else is there. @throws CannotRun when that one was here first. */
  check(): Promise<void>;
  close(): void;
}

const subject = presenceSubjects.orchestrator;
const askTimeoutMs = 2_000;
const maxQuestions = 4;
const recheckTimeoutMs = 500;

const describe = ({ host, pid, installationId }: Card): string =>
  `process ${pid} on ${host}, installation ${installationId}`;

const occupied = (card: Card): CannotRun =>
  new CannotRun(
    75,
    `another orchestrator is running on this NATS: ${describe(card)}. One bus has one orchestrator: stop that one first, or give this one a NATS account of its own.`,
  );

/** Silence is asked again: a server or a machine under load is silent, too, and so is one that just comes back. */
const askPatiently = async (
  { connection, signal }: PresenceOptions,
  question: string,
): ReturnType<typeof call> => {
  for (let count = 1; ; count += 1) {
    try {
      const answer = await call(connection, subject, question, askTimeoutMs);
      if (answer.kind !== 'silence' || count >= maxQuestions) return answer;
    } catch (error) {
      if (!(error instanceof TransientError) || count >= maxQuestions) throw error;
      await pause(askTimeoutMs, signal);
      signal.throwIfAborted();
    }
  }
};

/** @throws CannotRun while another orchestrator is connected to the bus. */
export const openPresence = async (options: PresenceOptions): Promise<Presence> => {
  const { connection, signal: _, ...own } = options;
  const card: Card = { ...own, host: hostname(), pid: process.pid };
  const question = JSON.stringify(card);
  const answer = await askPatiently(options, question);
  if (answer.kind === 'answer') throw occupied(JSON.parse(answer.text) as Card);
  if (answer.kind === 'silence')
    throw new CannotRun(
      75,
      'another orchestrator is connected to this NATS and does not answer (stopped, or overloaded). End it, or wait until NATS has dropped its connection.',
    );
  const answers = answerCalls(connection, subject, (text) => {
    const asker = JSON.parse(text) as Card;
    return asker.instanceId === card.instanceId ? undefined : question;
  });
  await answers.ready;
  return {
    check: async () => {
      try {
        const other = await call(connection, subject, question, recheckTimeoutMs);
        if (other.kind !== 'answer') return;
        const met = JSON.parse(other.text) as Card;
        const isFirst = card.startedAt - met.startedAt || (card.instanceId < met.instanceId ? -1 : 1);
        if (isFirst > 0) throw occupied(met);
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
      }
    },
    close: () => answers.close(),
  };
};
