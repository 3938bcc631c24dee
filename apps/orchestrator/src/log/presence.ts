/**
 * One orchestrator on a bus, whatever database it has.
 *
 * 1. Who starts asks first. Who answers is at work already; who listens and does not answer may be at work again soon.
 * 2. Two that start at once both hear nobody at first. Each asks once more when it can be asked itself, so at least one
 *    question reaches the other: both then know both, and the later one ends before it has begun.
 * 3. Who has begun is found by everybody after it. One that stood still meanwhile finds another's name on the log.
 */
import { hostname } from 'node:os';
import {
  type Answer,
  answerCalls,
  type Connection,
  ContractError,
  call,
  pause,
  TransientError,
} from '@signalbox/messaging';
import { decodeCard, encodeCard, type OrchestratorCard, presenceSubjects } from '@signalbox/protocol';
import { CannotRun } from '@signalbox/service';

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

const describe = ({ host, pid, installationId }: OrchestratorCard): string =>
  `process ${pid} on ${host}, ${installationId === undefined ? 'which is at its first start' : `installation ${installationId}`}`;

const occupied = (card: OrchestratorCard): CannotRun =>
  new CannotRun(
    75,
    `another orchestrator is running on this NATS: ${describe(card)}. One bus has one orchestrator: stop that one first, or give this one a NATS account of its own.`,
  );

/** Undefined where nobody answers, or not in words that this release knows. */
const cardIn = (answer: Answer): OrchestratorCard | undefined => {
  if (answer.kind !== 'answer') return undefined;
  try {
    return decodeCard(answer.text);
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return undefined;
  }
};

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
  let first: OrchestratorCard | undefined;
  const tell = (): string => encodeCard({ ...card, installationId: options.installationId(), isAtWork });
  const meet = (met: OrchestratorCard): void => {
    const isFirst = met.startedAt - card.startedAt || (met.instanceId < card.instanceId ? -1 : 1);
    if (!isAtWork && (met.isAtWork || isFirst < 0)) first = met;
  };
  const answer = await askPatiently(options, tell(), askTimeoutMs);
  const other = cardIn(answer);
  if (other !== undefined) throw occupied(other);
  if (answer.kind !== 'nobody')
    throw new CannotRun(
      75,
      'another orchestrator is connected to this NATS and does not answer (stopped, overloaded, or of another release). End it, or wait until NATS has dropped its connection.',
    );
  const answers = answerCalls(connection, subject, (text) => {
    const asker = decodeCard(text);
    if (asker.instanceId === card.instanceId) return undefined;
    meet(asker);
    return tell();
  });
  await answers.ready;
  return {
    settle: async () => {
      // Its own subscription is there, too: alone, it hears silence.
      const other = cardIn(await askPatiently(options, tell(), settleMs));
      if (other !== undefined) meet(other);
      if (first !== undefined) throw occupied(first);
      isAtWork = true;
    },
    close: () => answers.close(),
  };
};
