/**
 * Records messages that nobody could handle. A step task among them fails its step, but only when the payload
 * carries the claim of that very attempt: garbage that somebody puts on a step's subject must not end a step.
 */
import { stepError } from '@signalbox/engine';
import { ContractError, parseTaskSubject } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { BatchContext, RunCommands } from './run-commands.js';
import type { DeadLetterStore } from './store/dead-letter-store.js';
import type { RunStore } from './store/run-store.js';
import type { Claims } from './wire/claim.js';
import { encodeEnvelope } from './wire/event-codec.js';
import type { BatchInput } from './wire/input-codec.js';
import { claimInTask } from './wire/task-codec.js';

export type DeadLetterInput = Extract<BatchInput, { kind: 'dead_letter' }>;

export interface DeadLetterParts {
  readonly store: DeadLetterStore;
  readonly runs: RunStore;
  readonly claims: Claims;
  readonly commands: RunCommands;
  readonly logger: Logger;
}

/** For messages that neither name a workspace nor a run that is known. */
const fallbackWorkspace = 'default';

export class DeadLetters {
  readonly #parts: DeadLetterParts;

  constructor(parts: DeadLetterParts) {
    this.#parts = parts;
  }

  record(input: DeadLetterInput, context: BatchContext): void {
    const workspace = input.workspace ?? this.#workspaceOf(input.report.subject);
    const report = { ...input.report, workspace };
    if (!this.#parts.store.add(report)) return;
    const { subject, code, reason, deliveryCount } = report;
    this.#parts.logger.warn('a message was kept as a dead letter', {
      dead_letter: report.id,
      subject,
      code,
      reason,
      delivery_count: deliveryCount,
    });
    context.changes.announce(
      encodeEnvelope({
        id: `deadletter/${workspace}/${report.id}`,
        workspace,
        runId: null,
        sequence: 0,
        at: context.now,
        data: { type: 'deadletter.recorded', actor: `service:${report.reportedBy}`, deadLetter: report },
      }),
    );
    this.#failStep(report.payload, reason, context);
  }

  #failStep(payload: string, reason: string, context: BatchContext): void {
    const task = claimInTask(Buffer.from(payload, 'base64').toString());
    if (task === undefined) return;
    const { runId, stepId, attempt, claim } = task;
    if (!this.#parts.claims.isRight(claim, runId, stepId, attempt)) return;
    this.#parts.commands.failStep(runId, stepId, attempt, stepError('POISON_MESSAGE', reason), context);
  }

  #workspaceOf(subject: string): string {
    const runId = runIdIn(subject);
    const run = runId === undefined ? undefined : this.#parts.runs.find(runId);
    return run?.workspace ?? fallbackWorkspace;
  }
}

const runIdIn = (subject: string): string | undefined => {
  try {
    const address = parseTaskSubject(subject);
    return 'runId' in address ? address.runId : undefined;
  } catch (cause) {
    if (cause instanceof ContractError) return undefined;
    throw cause;
  }
};
