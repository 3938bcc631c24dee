/** Keeps a message that nobody could handle where an operator can see it: `wf.task.deadletter.<workspace>`. */
import {
  type DeadLetterReport,
  encodeDeadLetterReport,
  maxDeadLetterPayloadBytes,
  workspaceOfSubject,
} from '@signalbox/protocol';
import type { Connection } from './connection.js';
import type { Delivery } from './delivery.js';
import type { Publisher } from './publisher.js';

/** What is known of a message that somebody gives up on. */
export type GivenUp = Pick<
  Delivery,
  'stream' | 'subject' | 'consumer' | 'streamSequence' | 'deliveryCount' | 'data'
>;

export interface DeadLetterReason {
  readonly code: DeadLetterReport['code'];
  readonly reason: string;
  /** Who gives up. */
  readonly reportedBy: string;
  readonly at: number;
  /** Where the report belongs when the subject is none of the protocol. */
  readonly workspace: string;
}

export const deadLetterOf = (message: GivenUp, why: DeadLetterReason): DeadLetterReport => {
  const { stream, subject, consumer, streamSequence, deliveryCount, data } = message;
  const { code, reason, reportedBy, at } = why;
  return {
    id: `${stream}/${streamSequence}`,
    workspace: workspaceOfSubject(subject) ?? why.workspace,
    stream,
    subject,
    consumer,
    deliveryCount,
    code,
    reason,
    reportedBy,
    at,
    payload: Buffer.from(data.subarray(0, maxDeadLetterPayloadBytes)).toString('base64'),
    payloadBytes: data.length,
  };
};

/** A server that takes little gets less of the payload: that something was set aside must be sendable. */
export const fittingDeadLetter = (report: DeadLetterReport, maxPayloadBytes: number): DeadLetterReport => {
  const maxLength = Math.floor(maxPayloadBytes / 8) * 4;
  return report.payload.length <= maxLength
    ? report
    : { ...report, payload: report.payload.slice(0, maxLength) };
};

export interface DeadLetterReporter {
  /** Resolves when the report is stored. @throws TransientError when it could not be. */
  readonly report: (delivery: Delivery, code: DeadLetterReport['code'], reason: string) => Promise<void>;
}

export interface DeadLetterReporterOptions {
  readonly connection: Pick<Connection, 'maxPayloadBytes'>;
  readonly publisher: Publisher;
  /** Where reports go whose subject names no workspace. */
  readonly workspace: string;
  /** Who gives up. */
  readonly reportedBy: string;
  readonly now?: () => number;
}

export const createDeadLetterReporter = (options: DeadLetterReporterOptions): DeadLetterReporter => {
  const { connection, publisher, workspace, reportedBy, now = Date.now } = options;
  return {
    report: async (delivery, code, reason) => {
      const report = deadLetterOf(delivery, { code, reason, reportedBy, at: now(), workspace });
      await publisher.publish(encodeDeadLetterReport(fittingDeadLetter(report, connection.maxPayloadBytes)));
    },
  };
};
