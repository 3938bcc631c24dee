/** Keeps a message that nobody could handle where an operator can see it: `wf.task.deadletter.<workspace>`. */
import { createHash } from 'node:crypto';
import {
  beginningOf,
  type DeadLetterReport,
  encodeDeadLetterReport,
  deadLetterLimits as limits,
  maxDeadLetterPayloadBytes,
  shortened,
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
  return withinLimits({
    id: `${stream}/${streamSequence}`,
    workspace: workspaceOfSubject(subject) ?? why.workspace,
    stream,
    subject,
    consumer,
    deliveryCount,
    code,
    reason,
    reportedBy: reportedBy.replaceAll(/[^\w.@+-]/g, '_').slice(0, maxReporterLength) || '_',
    at,
    payload: Buffer.from(data.subarray(0, maxDeadLetterPayloadBytes)).toString('base64'),
    payloadBytes: data.length,
  });
};

/**
 * What its readers take, whatever the message was: they refuse a report with a field that is too long, and the message
 * would be in no list. What is within the limits stays as it is.
 */
export const withinLimits = (report: DeadLetterReport): DeadLetterReport => {
  const { id, stream, subject, consumer, reason } = report;
  return {
    ...report,
    id: id.length <= limits.id ? id : `${beginningOf(id, limits.id - digestLength - 1)}~${digestOf(id)}`,
    stream: shortened(stream, limits.stream),
    subject: shortenedSubject(subject),
    consumer: shortened(consumer, limits.consumer),
    reason: shortened(reason, limits.reason),
  };
};

const maxReporterLength = 128;
const digestLength = 32;
/** Two ids that begin alike are two. */
const digestOf = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, digestLength);

/** No subject has a space: what was cut is never taken for one. */
const cutMark = / … \(the beginning of \d+ characters\)$/;
const shortenedSubject = (subject: string): string => {
  if (subject.length <= limits.subject) return subject;
  const mark = ` … (the beginning of ${subject.length} characters)`;
  return `${beginningOf(subject, limits.subject - mark.length)}${mark}`;
};
export const isCutSubject = (subject: string): boolean => cutMark.test(subject);

/** As `withinLimits`. A server that takes little gets less of the payload: that something was set aside must be sendable. */
export const fittingDeadLetter = (given: DeadLetterReport, maxPayloadBytes: number): DeadLetterReport => {
  const report = withinLimits(given);
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
