/**
 * One orchestrator on a bus, whatever database it has.
 *
 * 1. Who starts asks first. Who answers is at work already; who listens and does not answer may be at work again soon.
 * 2. Two that start at once both hear nobody at first. Each asks once more when it can be asked itself, so at least one
 *    question reaches the other: both then know both, and the later one ends before it has begun.
 * 3. Who has begun is found by everybody after it. One that stood still meanwhile finds another's name on the log.
 */
import { hostname } from 'node:os';
import { answerCalls, type Connection, call, pause, TransientError } from '@signalbox/messaging';
import { presenceSubjects } from '@signalbox/protocol';
import { CannotRun } from '@signalbox/service';

interface Card {
  readonly instanceId: string;
  readonly startedAt: number;
  /** Absent before its first start has made one. */
  readonly installationId?: string;
  readonly host: string;
  readonly pid: number;
  readonly isAtWork: boolean;
}

export interface PresenceOptions {
  readonly connection: Connection;
  /** As it is at the moment: the first start of a database gives it one. */
  readonly installationId: () => string | undefined;
  readonly instanceId: string;
  readonly startedAt: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

export interface Presence {
  /** To be awaited before the work begins. @throws CannotRun when another one is at work, or was first of two that begin. */
  settle(): Promise<void>;
  close(): void;
}

const subject = presenceSubjects.orchestrator;
const askTimeoutMs = 2_000;
const maxQuestions = 4;
const settleMs = 300;

const describe = ({ host, pid, installationId }: Card): string =>
  `process ${pid} on ${host}, ${installationId === undefined ? 'which is at its first start' : `installation ${installationId}`}`;

const occupied = (card: Card): CannotRun =>
  new CannotRun(
    75,
    `another orchestrator is running on this NATS: ${describe(card)}. One bus has one orchestrator: stop that one first, or give this one a NATS account of its own.`,
  );

/** Silence is asked again: a server or a machine under load is silent, too, and so is one that just comes back. */
const askPatiently = async (
  { connection, signal }: PresenceOptions,
  question: string,
  timeoutMs: number,
): ReturnType<typeof call> => {
  for (let count = 1; ; count += 1) {
    try {
      const answer = await call(connection, subject, question, timeoutMs);
      if (answer.kind !== 'silence' || timeoutMs < askTimeoutMs || count >= maxQuestions) return answer;
    } catch (error) {
      if (!(error instanceof TransientError) || count >= maxQuestions) throw error;
      await pause(askTimeoutMs, signal);
      signal.throwIfAborted();
    }
  }
};

/** @throws CannotRun while another orchestrator is connected to the bus. */
export const openPresence = async (options: PresenceOptions): Promise<Presence> => {
  const { connection, instanceId, startedAt } = options;
  const card = { instanceId, startedAt, host: hostname(), pid: process.pid };
  let isAtWork = false;
  let first: Card | undefined;
  const tell = (): string =>
    JSON.stringify({ ...card, installationId: options.installationId(), isAtWork } satisfies Partial<Card>);
  const meet = (met: Card): void => {
    const isFirst = met.startedAt - card.startedAt || (met.instanceId < card.instanceId ? -1 : 1);
    if (!isAtWork && (met.isAtWork || isFirst < 0)) first = met;
  };
  const answer = await askPatiently(options, tell(), askTimeoutMs);
  if (answer.kind === 'answer') throw occupied(JSON.parse(answer.text) as Card);
  if (answer.kind === 'silence')
    throw new CannotRun(
      75,
      'another orchestrator is connected to this NATS and does not answer (stopped, or overloaded). End it, or wait until NATS has dropped its connection.',
    );
  const answers = answerCalls(connection, subject, (text) => {
    const asker = JSON.parse(text) as Card;
    if (asker.instanceId === card.instanceId) return undefined;
    meet(asker);
    return tell();
  });
  await answers.ready;
  return {
    settle: async () => {
      // Its own subscription is there, too: alone, it hears silence.
      const other = await askPatiently(options, tell(), settleMs);
      if (other.kind === 'answer') meet(JSON.parse(other.text) as Card);
      if (first !== undefined) throw occupied(first);
      isAtWork = true;
    },
    close: () => answers.close(),
  };
};
