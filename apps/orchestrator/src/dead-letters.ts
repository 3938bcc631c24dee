/**
 * Records messages that nobody could handle. A step task among them fails its step, but only when the payload
 * carries the claim of that very attempt: garbage that somebody puts on a step's subject must not end a step.
 */
import { stepError } from '@signalbox/engine';
import {
  ContractError,
  claimInTask,
  type DeadLetterReport,
  parseTaskSubject,
  type StepReporter,
} from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { BatchContext, RunCommands } from './run-commands.js';
import type { DeadLetterStore } from './store/dead-letter-store.js';
import type { Claims } from './wire/claim.js';
import { encodeDeadLetter } from './wire/event-codec.js';
import type { BatchInput } from './wire/input-codec.js';

export type DeadLetterInput = Extract<BatchInput, { kind: 'dead_letter' }>;

export interface DeadLetterParts {
  readonly store: DeadLetterStore;
  readonly claims: Claims;
  readonly commands: RunCommands;
  readonly logger: Logger;
}

export class DeadLetters {
  readonly #parts: DeadLetterParts;

  constructor(parts: DeadLetterParts) {
    this.#parts = parts;
  }

  record({ report }: DeadLetterInput, context: BatchContext): void {
    if (!this.#parts.store.add(report)) return;
    const { subject, code, deliveryCount } = report;
    this.#parts.logger.warn('a message was kept as a dead letter', {
      dead_letter: report.id,
      subject,
      code,
      delivery_count: deliveryCount,
    });
    context.changes.announce(encodeDeadLetter(report));
    this.#failStep(report, context);
  }

  #failStep({ workspace, subject, payload, reason }: DeadLetterReport, context: BatchContext): void {
    const target = targetOf(subject);
    const task = claimInTask(Buffer.from(payload, 'base64').toString());
    if (task === undefined || target === undefined) return;
    const { runId, stepId, attempt, claim } = task;
    if (!this.#parts.claims.isRight(claim, { target, workspace, runId, stepId, attempt })) return;
    const error = stepError('POISON_MESSAGE', reason);
    this.#parts.commands.failStep({ workspace, runId, stepId, attempt, error }, context);
  }
}

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
