/** Keeps a message that nobody could handle where an operator can see it: `wf.task.deadletter.<workspace>`. */
import type { Delivery, Publisher } from '@signalbox/messaging';
import {
  ContractError,
  type DeadLetterReport,
  headers,
  maxDeadLetterPayloadBytes,
  parseTaskSubject,
  protocolVersion,
  taskSubjects,
} from '@signalbox/protocol';

export interface DeadLetterReporter {
  /** Resolves when the report is stored. @throws TransientError when it could not be. */
  readonly report: (delivery: Delivery, code: DeadLetterReport['code'], reason: string) => Promise<void>;
}

export interface DeadLetterReporterOptions {
  readonly publisher: Publisher;
  /** Where reports go whose subject names no workspace. */
  readonly workspace: string;
  /** Who gives up. */
  readonly reportedBy: string;
  readonly now?: () => number;
}

export const createDeadLetterReporter = (options: DeadLetterReporterOptions): DeadLetterReporter => {
  const now = options.now ?? Date.now;
  return {
    report: async (delivery, code, reason) => {
      const workspace = workspaceOf(delivery.subject) ?? options.workspace;
      const report: DeadLetterReport = {
        id: `${delivery.stream}/${delivery.streamSequence}`,
        workspace,
        stream: delivery.stream,
        subject: delivery.subject,
        consumer: delivery.consumer,
        deliveryCount: delivery.deliveryCount,
        code,
        reason,
        reportedBy: options.reportedBy,
        at: now(),
        payload: Buffer.from(delivery.data.subarray(0, maxDeadLetterPayloadBytes)).toString('base64'),
        payloadBytes: delivery.data.length,
      };
      await options.publisher.publish({
        subject: taskSubjects.deadLetter(workspace),
        id: `deadletter/${report.id}`,
        headers: { [headers.version]: protocolVersion },
        data: JSON.stringify(report),
      });
    },
  };
};

/** A dead letter may have any subject, also one that is not of this protocol. */
const workspaceOf = (subject: string): string | undefined => {
  try {
    const address = parseTaskSubject(subject);
    return 'workspace' in address ? address.workspace : undefined;
  } catch (error) {
    if (error instanceof ContractError) return undefined;
    throw error;
  }
};
