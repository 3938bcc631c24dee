/**
 * A message on one of the orchestrator's subjects → what the batch handles. A message that breaks the contract
 * becomes a dead letter like any other input, so that it is recorded in the same transaction as its neighbours.
 */
import type { StepErrorCode } from '@signalbox/engine';
import { deadLetterOf as deadLetter, TooLargeError, textOf } from '@signalbox/messaging';
import {
  type CatalogCommand,
  ContractError,
  type DeadLetterReport,
  decodeCatalogCommand,
  decodeDeadLetterReport,
  decodeResumeMessage,
  decodeRunCommand,
  EVENTS,
  type IncomingResume,
  isEvent,
  parseTaskSubject,
  type RunCommand,
  type RunKey,
  runKeyOf,
  TASKS,
  type WireMessage,
} from '@signalbox/protocol';
import type { Timer } from '../store/timer-store.js';

/** What is known of a message as the stream holds it. */
export interface IncomingMessage {
  readonly stream: string;
  readonly consumer: string;
  readonly subject: string;
  readonly streamSequence: number;
  readonly deliveryCount: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
}

interface OfRun {
  readonly runKey: RunKey;
  readonly message: IncomingMessage;
}

export type BatchInput =
  | ({ readonly kind: 'run'; readonly command: RunCommand } & OfRun)
  | ({ readonly kind: 'resume'; readonly resume: IncomingResume } & OfRun)
  | { readonly kind: 'catalog'; readonly command: CatalogCommand; readonly message: IncomingMessage }
  | { readonly kind: 'timer'; readonly timer: Timer }
  | {
      readonly kind: 'dead_letter';
      readonly report: DeadLetterReport;
      readonly message: IncomingMessage;
      /** With which the step fails, where it is a task. Default `POISON_MESSAGE`. */
      readonly stepErrorCode?: StepErrorCode;
    };

/** Of the process that reports; nobody else may report under it. */
export const ownName = 'orchestrator';
/** Before the id of a message that was never stored. */
export const unsentPrefix = 'unsent/';
/** For messages on a subject that names none, and pays for them. */
export const fallbackWorkspace = 'default';

export const decodeInput = (message: IncomingMessage, now: number): BatchInput => {
  try {
    return decode(message);
  } catch (cause) {
    // Whatever goes wrong here, it is the message's fault: JSON that is nested too deeply overflows the stack.
    const reason = cause instanceof Error ? cause.message : String(cause);
    return deadLetterOf(message, 'CONTRACT', reason, now);
  }
};

const decode = (message: IncomingMessage): BatchInput => {
  const incoming = textOf(message);
  const address = parseTaskSubject(message.subject);
  switch (address.kind) {
    case 'run':
    case 'run.own': {
      const command = decodeRunCommand(incoming);
      return { kind: 'run', command, runKey: runKeyOf(command), message };
    }
    case 'resume.step':
    case 'resume.agent':
    case 'resume.approval':
    case 'resume.child': {
      const resume = decodeResumeMessage(incoming);
      return { kind: 'resume', resume, runKey: runKeyOf(resume), message };
    }
    case 'catalog':
      return { kind: 'catalog', command: decodeCatalogCommand(incoming), message };
    case 'deadletter':
      return { kind: 'dead_letter', report: reportOfOther(incoming), message };
    case 'step':
    case 'agent':
    case 'evaluate':
    case 'approval.request':
    case 'approval.decision':
      throw new ContractError(`a message on ${message.subject} is not for the orchestrator`, message.subject);
  }
};

const reportOfOther = (incoming: Parameters<typeof decodeDeadLetterReport>[0]): DeadLetterReport => {
  const report = decodeDeadLetterReport(incoming);
  if (report.reportedBy === ownName)
    throw new ContractError('reports under a name of the platform', 'reportedBy');
  return report;
};

/** The report of a message that the orchestrator itself gives up on. */
export const deadLetterOf = (
  message: IncomingMessage,
  code: DeadLetterReport['code'],
  reason: string,
  at: number,
): Extract<BatchInput, { kind: 'dead_letter' }> => ({
  kind: 'dead_letter',
  report: deadLetter(message, { code, reason, reportedBy: ownName, at, workspace: fallbackWorkspace }),
  message,
});

/** The same of a message that the orchestrator could not send, because no server will take it. */
export const unsentDeadLetter = (
  { subject, id = subject, data }: WireMessage,
  cause: ContractError,
  now: number,
): Extract<BatchInput, { kind: 'dead_letter' }> => {
  const message: IncomingMessage = {
    stream: isEvent(subject) ? EVENTS : TASKS,
    consumer: 'relay',
    subject,
    streamSequence: 0,
    deliveryCount: 0,
    headers: {},
    data: Buffer.from(data),
  };
  const input = deadLetterOf(message, 'UNSENDABLE', cause.message, now);
  const report = { ...input.report, id: `${unsentPrefix}${id}` };
  return {
    ...input,
    report,
    ...(cause instanceof TooLargeError ? { stepErrorCode: 'PAYLOAD_TOO_LARGE' } : {}),
  };
};
