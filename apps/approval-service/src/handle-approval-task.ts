/**
 * What is done with a task of `wf.task.approval.…`: a request is announced, a decision is judged and sent on.
 *
 * 1. Every decision leads to exactly one message to the orchestrator: the decision, or its refusal. Only the
 *    orchestrator records either.
 * 2. A decision is judged and noted as forwarded without anything awaited in between.
 * 3. Both messages of a command have the same id: a redelivered decision that is judged differently the second time
 *    does not count twice.
 */
import {
  type Connection,
  type DeadLetterReporter,
  type Delivery,
  type Publisher,
  publishUntilStored,
  readLast,
  settleTask,
  textOf,
} from '@signalbox/messaging';
import {
  type ApprovalDecision,
  type ApprovalJudgement,
  type ApprovalRequest,
  ContractError,
  decodeApprovalTask,
  decodeEvent,
  EVENTS,
  type EventEnvelope,
  encodeApprovalJudgement,
  eventSubjects,
} from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { ApprovalBook, ApprovalRecord } from './approval-book.js';
import { judgeDecision } from './judge-decision.js';
import type { Notifier } from './notifier.js';
import type { TeamDirectory } from './teams.js';

export interface ApprovalHandlerOptions {
  readonly book: ApprovalBook;
  readonly teams: TeamDirectory;
  readonly notifier: Notifier;
  readonly connection: Connection;
  readonly publisher: Publisher;
  readonly deadLetters: DeadLetterReporter;
  readonly logger: Logger;
  /** Aborts when the process stops; what cannot be sent then goes back. */
  readonly signal: AbortSignal;
}

/** The event that makes an approval known may still be on its way: that many deliveries are waited for it. */
const deliveriesUntilUnknown = 3;
const unknownDelayMs = 500;

export const createApprovalHandler =
  (options: ApprovalHandlerOptions) =>
  (delivery: Delivery): Promise<void> =>
    settleTask(delivery, () => handle(delivery, options), options);

const handle = async (delivery: Delivery, options: ApprovalHandlerOptions): Promise<void> => {
  const task = decodeApprovalTask(textOf(delivery));
  if (task.type === 'request') await announce(task, options);
  else await decide(task, delivery, options);
};

const announce = async (task: ApprovalRequest, { book, notifier }: ApprovalHandlerOptions): Promise<void> => {
  if (book.find(task).kind !== 'ended') await notifier.approvalRequested(task);
};

const decide = async (
  task: ApprovalDecision,
  delivery: Delivery,
  options: ApprovalHandlerOptions,
): Promise<void> => {
  const { book, teams, logger } = options;
  let record: ApprovalRecord = book.find(task);
  if (record.kind === 'unknown') {
    const last = await lastEventOf(task, options.connection);
    if (last !== undefined) book.apply(last);
    record = book.find(task);
    if (record.kind === 'unknown' && delivery.deliveryCount < deliveriesUntilUnknown) {
      delivery.nak(unknownDelayMs);
      return;
    }
  }
  const judgement = judgeDecision(record, task, teams);
  const { workspace, commandId, runId, approvalId, actor, comment, decision } = task;
  const about = {
    workspace,
    commandId,
    runId,
    approvalId,
    actor,
    ...(comment === undefined ? {} : { comment }),
  };
  const fields = { run_id: runId, approval_id: approvalId, decision };
  if (judgement.kind === 'refuse') {
    const { code, message } = judgement;
    logger.info('a decision is refused', { ...fields, code });
    await send({ type: 'approval.refusal', ...about, code, message }, options);
    return;
  }
  book.noteForwarded(task, { commandId, actor, decision });
  logger.info('a decision is forwarded', fields);
  const data = task.data === undefined ? {} : { data: task.data };
  await send({ type: 'approval.decision', ...about, decision, ...data }, options);
};

/**
 * What the event stream says of it now. An approval that ended long ago has left the book, and in a log that has been made
 * anew one may have been requested before the book follows it.
 */
const lastEventOf = async (
  { workspace, runId, approvalId }: ApprovalDecision,
  connection: Connection,
): Promise<EventEnvelope | undefined> => {
  const last = await readLast(connection, EVENTS, eventSubjects.approval(workspace, runId, approvalId));
  if (last === undefined) return undefined;
  try {
    return decodeEvent(textOf(last));
  } catch (error) {
    if (error instanceof ContractError) return undefined;
    throw error;
  }
};

const send = (judgement: ApprovalJudgement, { publisher, signal }: ApprovalHandlerOptions): Promise<void> =>
  publishUntilStored(publisher, encodeApprovalJudgement(judgement), signal);
