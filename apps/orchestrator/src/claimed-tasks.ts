/**
 * Takes away what lies in the task queue although it reaches nobody any more: a server that is killed forgets that it
 * has removed a task, and remembers that it was acknowledged.
 *
 * 1. What its consumer has passed goes, whatever it is, and so does what nobody has in hand any more, as far as can be
 *    heard: what somebody still waits for is sent again.
 * 2. What its consumer may still have in somebody's hands goes when nobody waits for it any more: a task in hand may
 *    keep the consumer from passing those behind it for hours.
 * 3. It is seen at two looks before: an acknowledgement may be on its way.
 */
import { type PendingDispatch, pendingDispatch } from '@signalbox/engine';
import type { StoredMessage } from '@signalbox/messaging';
import {
  ContractError,
  claimInTask,
  parseTaskSubject,
  type RunKey,
  runKeyOf,
  TASKS,
} from '@signalbox/protocol';
import type { InFlightParts } from './in-flight.js';
import { deadLetterOf } from './wire/input-codec.js';

export type ClaimedTasksParts = Pick<InFlightParts, 'queue' | 'runs' | 'relay' | 'submit' | 'logger' | 'now'>;

export class ClaimedTasks {
  readonly #parts: ClaimedTasksParts;
  #seen: ReadonlySet<number> = new Set();

  constructor(parts: ClaimedTasksParts) {
    this.#parts = parts;
  }

  /** The server may count anew. */
  forget(): void {
    this.#seen = new Set();
  }

  /** @throws TransientError */
  async look(): Promise<void> {
    const { queue, logger } = this.#parts;
    const seen = new Set<number>();
    for await (const { consumer, message, isPassed } of queue.claimedTasks()) {
      const isSettled = this.#isSettled(message);
      if (!isPassed && !isSettled) continue;
      if (!this.#seen.has(message.sequence)) {
        seen.add(message.sequence);
        continue;
      }
      logger.warn('a task reaches nobody any more', { consumer, subject: message.subject });
      if (isSettled || (await this.#takeOver(message, consumer))) await queue.delete(message.sequence);
    }
    this.#seen = seen;
  }

  /** Nobody waits for it any more. */
  #isSettled(message: StoredMessage): boolean {
    const want = wantOf(message);
    const run = want && this.#parts.runs.find(want.runKey);
    if (want === undefined || run === undefined) return false;
    const pending = pendingDispatch(run.state, want.stepId);
    return pending === undefined || !want.isMet(pending);
  }

  /** False when what its consumer has passed has to stay where it is. */
  async #takeOver(message: StoredMessage, consumer: string): Promise<boolean> {
    const { relay, submit, now } = this.#parts;
    const { subject, sequence, headers, data } = message;
    switch (fateOf(message)) {
      case 'looked_for':
        return true;
      case 'sent_again': {
        const payload = Buffer.from(data).toString();
        await relay.repeat({ kind: 'message', subject, messageId: `${sequence}/again/${now()}`, payload });
        return true;
      }
      case 'set_aside': {
        const incoming = {
          stream: TASKS,
          consumer,
          subject,
          streamSequence: sequence,
          deliveryCount: 0,
          headers,
          data,
        };
        const reason = `${consumer} has passed it over`;
        return submit([deadLetterOf(incoming, 'CONTRACT', reason, now())]);
      }
    }
  }
}

/** Whose answer a task asks for; undefined where the database cannot tell whether it is still wanted. */
const wantOf = ({ subject, data }: StoredMessage): Want | undefined => {
  const address = addressOf(subject);
  switch (address?.kind) {
    case 'step':
    case 'agent':
    case 'evaluate': {
      const claim = claimInTask(Buffer.from(data).toString());
      return (
        claim && {
          runKey: runKeyOf({ workspace: address.workspace, runId: claim.runId }),
          stepId: claim.stepId,
          isMet: (pending) => pending.type === 'dispatch_step' && pending.attempt === claim.attempt,
        }
      );
    }
    case 'approval.request': {
      // An approval has the id of its step.
      const { approvalId } = address;
      return {
        runKey: runKeyOf(address),
        stepId: approvalId,
        isMet: (pending) => pending.type === 'request_approval',
      };
    }
    default:
      return undefined;
  }
};

interface Want {
  readonly runKey: RunKey;
  readonly stepId: string;
  /** Whether it is what the step waits for now. */
  readonly isMet: (pending: PendingDispatch) => boolean;
}

/** What is done with a message that its consumer has passed over. */
const fateOf = ({ subject, data }: StoredMessage): 'looked_for' | 'sent_again' | 'set_aside' => {
  switch (addressOf(subject)?.kind) {
    case 'step':
    case 'agent':
    case 'evaluate':
      return claimInTask(Buffer.from(data).toString()) === undefined ? 'set_aside' : 'looked_for';
    case 'approval.request':
    case 'approval.decision':
      return 'sent_again';
    default:
      return 'set_aside';
  }
};

/** Undefined for what is no subject of the protocol. */
const addressOf = (subject: string): ReturnType<typeof parseTaskSubject> | undefined => {
  try {
    return parseTaskSubject(subject);
  } catch (cause) {
    if (cause instanceof ContractError) return undefined;
    throw cause;
  }
};
