/**
 * A message on one of the orchestrator's subjects → what the batch handles. A message that breaks the contract
 * becomes a dead letter like any other input, so that it is recorded in the same transaction as its neighbours.
 */
import {
  type CatalogCommand,
  ContractError,
  type DeadLetterReport,
  decodeCatalogCommand,
  decodeDeadLetterReport,
  decodeResumeMessage,
  decodeRunCommand,
  headers,
  type IncomingText,
  maxDeadLetterPayloadBytes,
  parseTaskSubject,
  type ResumeMessage,
  type RunCommand,
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

export type BatchInput =
  | { readonly kind: 'run'; readonly command: RunCommand; readonly message: IncomingMessage }
  | { readonly kind: 'resume'; readonly resume: ResumeMessage; readonly message: IncomingMessage }
  | { readonly kind: 'catalog'; readonly command: CatalogCommand; readonly message: IncomingMessage }
  | { readonly kind: 'timer'; readonly timer: Timer }
  /** `workspace` is absent where the message does not say it. */
  | {
      readonly kind: 'dead_letter';
      readonly report: Omit<DeadLetterReport, 'workspace'>;
      readonly workspace?: string;
      readonly message: IncomingMessage;
    };

const reporter = 'orchestrator';

export const decodeInput = (message: IncomingMessage, now: number): BatchInput => {
  try {
    return decode(message);
  } catch (cause) {
    // Whatever goes wrong here, it is the message's fault: JSON that is nested too deeply overflows the stack.
    const reason = cause instanceof Error ? cause.message : String(cause);
    return deadLetterOf(message, 'CONTRACT', reason, now);
  }
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

const textOf = (message: IncomingMessage): IncomingText => {
  const version = message.headers[headers.version];
  try {
    return {
      subject: message.subject,
      text: utf8.decode(message.data),
      ...(version === undefined ? {} : { version }),
    };
  } catch (cause) {
    throw new ContractError(`the message on ${message.subject} is not UTF-8`, message.subject, { cause });
  }
};

const decode = (message: IncomingMessage): BatchInput => {
  const incoming = textOf(message);
  const address = parseTaskSubject(message.subject);
  switch (address.kind) {
    case 'run':
      return { kind: 'run', command: decodeRunCommand(incoming), message };
    case 'resume':
      return { kind: 'resume', resume: decodeResumeMessage(incoming), message };
    case 'catalog':
      return { kind: 'catalog', command: decodeCatalogCommand(incoming), message };
    case 'deadletter': {
      const { workspace, ...report } = decodeDeadLetterReport(incoming);
      return { kind: 'dead_letter', report, workspace, message };
    }
    case 'step':
    case 'approval':
    case 'agent':
      throw new ContractError(`a message on ${message.subject} is not for the orchestrator`, message.subject);
  }
};

/** The report of a message that the orchestrator itself gives up on. */
export const deadLetterOf = (
  message: IncomingMessage,
  code: DeadLetterReport['code'],
  reason: string,
  now: number,
): Extract<BatchInput, { kind: 'dead_letter' }> => {
  const workspace = workspaceInSubject(message.subject);
  return {
    kind: 'dead_letter',
    report: {
      id: `${message.stream}/${message.streamSequence}`,
      stream: message.stream,
      subject: message.subject,
      consumer: message.consumer,
      deliveryCount: message.deliveryCount,
      code,
      reason,
      reportedBy: reporter,
      at: now,
      payload: Buffer.from(message.data.subarray(0, maxDeadLetterPayloadBytes)).toString('base64'),
      payloadBytes: message.data.length,
    },
    ...(workspace === undefined ? {} : { workspace }),
    message,
  };
};

const workspaceInSubject = (subject: string): string | undefined => {
  const [, , kind, first] = subject.split('.');
  return kind === 'catalog' || kind === 'deadletter' || kind === 'agent' ? first : undefined;
};
