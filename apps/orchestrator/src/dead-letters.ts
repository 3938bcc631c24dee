/**
 * Records messages that nobody could handle. A step task among them fails its step, but only when the payload
 * carries the claim of that very attempt: garbage that somebody puts on a step's subject must not end a step.
 */
import { type StepErrorCode, stepError } from '@signalbox/engine';
import { fittingDeadLetter, isCutSubject } from '@signalbox/messaging';
import {
  type CatalogCommand,
  type CatalogEventMessage,
  ContractError,
  claimInTask,
  type DeadLetterReport,
  parseTaskSubject,
  type StepReporter,
  type WireMessage,
  workspaceOfSubject,
} from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import { refused } from './catalog/refused.js';
import type { BatchContext, RunCommands } from './run-commands.js';
import type { DeadLetterStore, KeptMessage } from './store/dead-letter-store.js';
import type { MessageEntry } from './store/outbox-store.js';
import type { Claims } from './wire/claim.js';
import { encodeDeadLetter } from './wire/event-codec.js';
import { type BatchInput, ownName, unsentPrefix } from './wire/input-codec.js';

export type DeadLetterCommand = Extract<CatalogCommand, { type: 'retry_dead_letter' | 'drop_dead_letter' }>;
export type DeadLetterInput = Extract<BatchInput, { kind: 'dead_letter' }>;

export interface DeadLetterParts {
  readonly store: DeadLetterStore;
  readonly claims: Claims;
  readonly commands: RunCommands;
  readonly maxMessageBytes: () => number;
  /** An event of the log by the id of its message: whole, however little of it was kept. */
  readonly findEvent: (messageId: string) => WireMessage | undefined;
  readonly logger: Logger;
}

export class DeadLetters {
  readonly #parts: DeadLetterParts;

  constructor(parts: DeadLetterParts) {
    this.#parts = parts;
  }

  record({ report: whole, stepErrorCode = 'POISON_MESSAGE' }: DeadLetterInput, context: BatchContext): void {
    const report = fittingDeadLetter(whole, this.#parts.maxMessageBytes());
    if (!this.#parts.store.add(report)) return;
    const { subject, code, deliveryCount } = report;
    this.#parts.logger.warn('a message was kept as a dead letter', {
      dead_letter: report.id,
      subject,
      code,
      delivery_count: deliveryCount,
    });
    context.changes.announce(encodeDeadLetter(report));
    this.#failStep(report, stepErrorCode, context);
  }

  /** An operator retries or drops one. The answer is a fact of the workspace's catalog. */
  end(command: DeadLetterCommand, context: BatchContext): CatalogEventMessage {
    const { workspace, actor, deadLetterId: id } = command;
    const { store } = this.#parts;
    const kept = store.find(workspace, id);
    if (kept === undefined)
      return refused(command, 'DEAD_LETTER_NOT_FOUND', `there is no dead letter "${id}"`);
    const end = store.endOf(workspace, id);
    if (end !== undefined) {
      const message = `${end.actor} has ${end.outcome} the dead letter "${id}" already`;
      return refused(command, 'DEAD_LETTER_ENDED', message);
    }
    const isRetry = command.type === 'retry_dead_letter';
    if (isRetry) {
      const sentId = kept.reportedBy === ownName ? sentIdOf(id) : undefined;
      const event = sentId === undefined ? undefined : this.#parts.findEvent(sentId);
      const refusal = event === undefined ? this.#refusalOfRetry(command, kept) : undefined;
      if (refusal !== undefined) return refusal;
      context.changes.send(retryOf(command, kept, event?.data));
    }
    store.end({ workspace, id, outcome: isRetry ? 'retried' : 'dropped', at: context.now, actor });
    const type = isRetry ? 'catalog.dead_letter_retried' : 'catalog.dead_letter_dropped';
    return { type, actor, deadLetterId: id };
  }

  /**
   * It is published with the rights of this process, so what it says must be known to be true: from this process
   * itself, or a task of ours that its claim proves. Who reports a message may have made it up.
   */
  #refusalOfRetry(command: DeadLetterCommand, kept: KeptMessage): CatalogEventMessage | undefined {
    const { workspace, deadLetterId: id } = command;
    if (isCutSubject(kept.subject))
      return refused(command, 'DEAD_LETTER_CUT', `of the subject of "${id}" only the beginning was kept`);
    const payload = Buffer.from(kept.payload, 'base64');
    if (payload.length < kept.payloadBytes) {
      const message = `of the ${kept.payloadBytes} bytes of "${id}" only ${payload.length} were kept`;
      return refused(command, 'DEAD_LETTER_CUT', message);
    }
    const isOwn = kept.reportedBy === ownName;
    const isOurs = isOwn
      ? workspaceOfSubject(kept.subject) === workspace
      : this.#provesItself(kept, workspace);
    if (isOurs) return undefined;
    const message = `nothing proves that "${id}" was sent by the platform: it can be dropped, not retried`;
    return refused(command, 'DEAD_LETTER_UNPROVEN', message);
  }

  #provesItself({ subject, payload }: KeptMessage, workspace: string): boolean {
    const target = targetOf(subject);
    const task = claimInTask(Buffer.from(payload, 'base64').toString());
    if (task === undefined || target === undefined || workspaceOfSubject(subject) !== workspace) return false;
    const { runId, stepId, attempt, claim } = task;
    return this.#parts.claims.isRight(claim, { target, workspace, runId, stepId, attempt });
  }

  #failStep(
    { workspace, subject, payload, reason }: DeadLetterReport,
    code: StepErrorCode,
    context: BatchContext,
  ): void {
    const target = targetOf(subject);
    const task = claimInTask(Buffer.from(payload, 'base64').toString());
    if (task === undefined || target === undefined) return;
    const { runId, stepId, attempt, claim } = task;
    if (!this.#parts.claims.isRight(claim, { target, workspace, runId, stepId, attempt })) return;
    const error = stepError(code, reason);
    this.#parts.commands.failStep({ workspace, runId, stepId, attempt, error }, context);
  }
}

/** Of the message, where this process itself could not send it. */
const sentIdOf = (deadLetterId: string): string | undefined =>
  deadLetterId.startsWith(unsentPrefix) ? deadLetterId.slice(unsentPrefix.length) : undefined;

/** Published as what was sent before: whoever gets it asks whether it is done. */
const retryOf = (
  { commandId, deadLetterId }: DeadLetterCommand,
  kept: KeptMessage,
  whole = Buffer.from(kept.payload, 'base64').toString(),
): MessageEntry => ({
  kind: 'message',
  subject: kept.subject,
  messageId: sentIdOf(deadLetterId) ?? `${deadLetterId}/retried/${commandId}`,
  payload: whole,
  repeated: true,
});

/** Who was to report what lay on a subject; undefined where it was no step. */
const targetOf = (subject: string): StepReporter | undefined => {
  try {
    const { kind } = parseTaskSubject(subject);
    if (kind === 'agent') return 'agent';
    return kind === 'step' || kind === 'evaluate' ? 'worker' : undefined;
  } catch (cause) {
    if (cause instanceof ContractError) return undefined;
    throw cause;
  }
};
