/** Text on a task subject ↔ message. A body that names another run or step than its subject is refused. */
import type { z } from 'zod';
import { approvalTask } from './approval-task.js';
import { catalogCommand } from './catalog-command.js';
import { parseJson } from './cloud-event.js';
import { ContractError } from './contract-error.js';
import { deadLetterReport } from './dead-letter.js';
import { headers, protocolVersion } from './headers.js';
import { resumeMessage } from './resume-message.js';
import { runCommand } from './run-command.js';
import { stepTask } from './step-task.js';
import { parseTaskSubject, type TaskAddress } from './subjects.js';

export interface IncomingText {
  readonly subject: string;
  readonly text: string;
  /** Value of the `signalbox-version` header, if any. */
  readonly version?: string;
}

const decoder =
  <T>(kinds: readonly TaskAddress['kind'][], schema: z.ZodType<T>) =>
  (incoming: IncomingText): T => {
    const address = parseTaskSubject(incoming.subject);
    if (!kinds.includes(address.kind)) {
      throw new ContractError(`a message on ${incoming.subject} does not belong here`, incoming.subject);
    }
    if (incoming.version !== undefined && incoming.version !== protocolVersion) {
      throw new ContractError(
        `the message on ${incoming.subject} has protocol version ${incoming.version}; this process speaks ${protocolVersion}`,
        headers.version,
      );
    }
    const message = parseJson(schema, incoming.text, incoming.subject);
    refuseMismatch(address, message, incoming.subject);
    return message;
  };

const refuseMismatch = (address: TaskAddress, message: unknown, subject: string): void => {
  const body = message as Record<string, unknown>;
  for (const [field, expected] of Object.entries(address)) {
    if (field !== 'kind' && body[field] !== undefined && body[field] !== expected) {
      throw new ContractError(
        `the message on ${subject} names another ${field}: ${String(body[field])}`,
        `/${field}`,
      );
    }
  }
};

export const decodeRunCommand = decoder(['run'], runCommand);
export const decodeResumeMessage = decoder(['resume'], resumeMessage);
export const decodeCatalogCommand = decoder(['catalog'], catalogCommand);
export const decodeDeadLetterReport = decoder(['deadletter'], deadLetterReport);
export const decodeStepTask = decoder(['step', 'agent'], stepTask);
export const decodeApprovalTask = decoder(['approval'], approvalTask);
