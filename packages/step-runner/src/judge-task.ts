/**
 * Whether a claimed task is to be executed. A task that is delivered for the first time, was sent once, and was stored
 * after this connection was made costs nothing; any other may have been executed before, and is asked about.
 *
 * A task that has waited may not be wanted any more: it is withdrawn from the queue, but whoever withdraws it may be late,
 * or dead. The log is asked, which has it first.
 *
 * 1. First this process itself: what it has in hand it does not begin beside that, what it has finished it reports again.
 * 2. Then, when the connection has settled, the others: who has it in hand says so.
 * 3. Then the answers that wait, then the log, in this order: an answer leaves the queue only when the log has it.
 * 4. At last whoever may have begun it since, from another copy of the same task, is asked.
 */
import { type Connection, type Delivery, readLast, textOf } from '@signalbox/messaging';
import {
  ContractError,
  decodeResumeMessage,
  type EventData,
  eventSubjects,
  headers,
  parseTaskSubject,
  type StepTask,
  TASKS,
  taskSubjects,
  type WireMessage,
} from '@signalbox/protocol';
import { lastFact } from './abort-watch.js';
import type { AttemptEnd, Attempts } from './attempts.js';
import type { Holders } from './holders.js';
import { isAttemptOver } from './step-outcome.js';
import { withClaim } from './step-report.js';
import type { TaskAge } from './task-age.js';

export type Verdict =
  | { readonly kind: 'execute' }
  /** Somebody may have begun it and died. */
  | { readonly kind: 'begin_again' }
  | { readonly kind: 'in_hand'; readonly end: Promise<AttemptEnd> }
  | { readonly kind: 'finished_here'; readonly result: WireMessage }
  | { readonly kind: 'held_elsewhere' }
  | { readonly kind: 'over'; readonly because: string };

/** What a run that was cancelled has in the queue is not begun later than this and a little. */
const maxUnaskedWaitMs = 1_000;

export interface JudgeParts {
  readonly connection: Connection;
  readonly attempts: Attempts;
  readonly age: TaskAge;
  readonly holders: Holders;
  readonly now: () => number;
}

export const judgeTask = async (task: StepTask, delivery: Delivery, parts: JudgeParts): Promise<Verdict> => {
  const { connection, age, holders, now } = parts;
  const subject = eventSubjects.step(task.workspace, task.runId, task.stepId);
  const mayBeRepeated =
    delivery.deliveryCount > 1 ||
    delivery.headers[headers.repeated] !== undefined ||
    (await age.isOld(delivery));
  const known = knownHere(task, parts);
  if (known !== undefined) return known;
  if (!mayBeRepeated) {
    // By clocks: one that is wrong asks too often, or leaves it to the withdrawal.
    if (now() - delivery.storedAt <= maxUnaskedWaitMs) return { kind: 'execute' };
    return overBy(await lastFact(connection, subject, { mayLag: true }), task) ?? { kind: 'execute' };
  }
  await age.settled();
  if (holders.isHeld(task.idempotencyKey)) return { kind: 'held_elsewhere' };
  if (await hasWaitingAnswer(task, delivery, connection))
    return { kind: 'over', because: 'its result waits' };
  const over = overBy(await lastFact(connection, subject), task) ?? knownHere(task, parts);
  if (over !== undefined) return over;
  // Last: whoever has finished it meanwhile has reported that before this beginning is.
  const isFree = await holders.isFree(task.idempotencyKey, task.claim);
  return knownHere(task, parts) ?? { kind: isFree ? 'begin_again' : 'held_elsewhere' };
};

const overBy = (fact: EventData | undefined, { attempt }: StepTask): Verdict | undefined =>
  fact !== undefined && isAttemptOver(fact, attempt) ? { kind: 'over', because: fact.type } : undefined;

/** A database that was made again gives new claims: what was finished under an old one is the answer to the new one. */
const knownHere = ({ idempotencyKey, claim }: StepTask, { attempts }: JudgeParts): Verdict | undefined => {
  const end = attempts.inHand(idempotencyKey);
  if (end !== undefined) return { kind: 'in_hand', end };
  const result = attempts.resultOf(idempotencyKey);
  return result && { kind: 'finished_here', result: withClaim(result, claim) };
};

/** Whether the result of this attempt waits for the orchestrator. @throws TransientError */
export const hasWaitingAnswer = async (
  task: StepTask,
  delivery: Delivery,
  connection: Connection,
): Promise<boolean> => {
  const { workspace, runId, stepId } = task;
  const isAgent = parseTaskSubject(delivery.subject).kind === 'agent';
  const subjectOf = isAgent ? taskSubjects.resumeAgent : taskSubjects.resumeStep;
  const stored = await readLast(connection, TASKS, subjectOf(workspace, runId, stepId));
  if (stored === undefined) return false;
  try {
    const answer = decodeResumeMessage(textOf(stored));
    return (
      (answer.type === 'step.succeeded' || answer.type === 'step.failed') &&
      answer.stepId === task.stepId &&
      answer.claim === task.claim &&
      answer.attempt >= task.attempt
    );
  } catch (error) {
    if (error instanceof ContractError) return false;
    throw error;
  }
};
