/**
 * Text on a task subject → message. A body that names another workspace, run or step than its subject is refused, and so is
 * one that `JSON.parse` would change in silence, unless the orchestrator has sent it.
 */
import type { z } from 'zod';
import { isSystem } from './actor.js';
import { approvalTask } from './approval-task.js';
import { catalogCommand } from './catalog-command.js';
import { ContractError } from './contract-error.js';
import { deadLetterReport } from './dead-letter.js';
import { type IncomingText, parseValue, readText, requireVersion } from './incoming-text.js';
import { isPlainResult, isPlainTask } from './plain-shapes.js';
import {
  type IncomingResume,
  type ResumeKind,
  type ResumeMessage,
  resumeKinds,
  resumeSchemas,
} from './resume-message.js';
import { type RunCommand, runCommand } from './run-command.js';
import { stepTask } from './step-task.js';
import { silentChange } from './strict-json.js';
import { parseTaskSubject, type TaskAddress } from './subjects.js';

type Kind = TaskAddress['kind'];

/** Only the orchestrator may publish there, and what it sends it has read strictly before. */
const ownKinds: readonly Kind[] = [
  'run.own',
  'step',
  'agent',
  'evaluate',
  'approval.request',
  'resume.child',
];

type Reader<T> = (value: unknown, subject: string, kind: Kind) => T;

const bySchema =
  <T extends object>(schema: z.ZodType<T>): Reader<T> =>
  (value, subject) =>
    parseValue(schema, value, subject);

const decode = <T extends object>(
  incoming: IncomingText,
  kinds: readonly Kind[],
  read: Reader<T>,
  changed: (message: T, change: string, subject: string) => T = refuseChanged,
): { readonly address: TaskAddress; readonly message: T } => {
  const address = parseTaskSubject(incoming.subject);
  if (!kinds.includes(address.kind)) {
    throw new ContractError(`a message on ${incoming.subject} does not belong here`, incoming.subject);
  }
  requireVersion(incoming);
  const { subject, text } = incoming;
  const value = readText(text, subject);
  const message = read(value, subject, address.kind);
  refuseMismatch(address, message, subject);
  const change = ownKinds.includes(address.kind) ? undefined : silentChange(text, value);
  return { address, message: change === undefined ? message : changed(message, change, subject) };
};

const refuseChanged = (_message: unknown, change: string, subject: string): never => {
  throw new ContractError(`the message on ${subject} cannot be kept as it is: ${change}`, subject);
};

/** A result has to count: its step fails, and says why. */
const failChanged = <T extends ResumeMessage>(message: T, change: string, subject: string): ResumeMessage => {
  if (message.type !== 'step.succeeded' && message.type !== 'step.failed')
    return refuseChanged(message, change, subject);
  const { workspace, runId, stepId, attempt, claim, worker, startedAt, finishedAt } = message;
  const error = {
    code: 'INVALID_RESULT',
    message: `what the worker sent cannot be kept as it is: ${change}`,
    retryable: false,
  };
  const of = { workspace, runId, stepId, attempt, claim, worker, startedAt, finishedAt };
  return { ...of, type: 'step.failed', error };
};

const decoder =
  <T extends object>(kinds: readonly Kind[], read: Reader<T>) =>
  (incoming: IncomingText): T =>
    decode(incoming, kinds, read).message;

const refuseMismatch = (address: TaskAddress, message: object, subject: string): void => {
  const body = message as Record<string, unknown>;
  for (const [field, expected] of Object.entries(address)) {
    if (field !== 'kind' && body[field] !== expected) {
      throw new ContractError(
        `the message on ${subject} names another ${field}: ${String(body[field])}`,
        `/${field}`,
      );
    }
  }
};

const readRunCommand = bySchema(runCommand);

/** Only the orchestrator speaks for the system and for a parent run, and it has a subject of its own. @throws ContractError */
export const decodeRunCommand = (incoming: IncomingText): RunCommand => {
  const { address, message } = decode(incoming, ['run', 'run.own'], readRunCommand);
  if (address.kind === 'run') refuseOwn(message, incoming.subject);
  return message;
};

const refuseOwn = (command: RunCommand, subject: string): void => {
  const isOfParent =
    command.type === 'start' && (command.parent ?? command.root ?? command.maxFamilyRuns) !== undefined;
  if (!isOfParent && !isSystem(command.actor)) return;
  throw new ContractError(
    `the command on ${subject} is one that only the orchestrator itself may give`,
    isOfParent ? '/parent' : '/actor',
  );
};

export const decodeCatalogCommand = decoder(['catalog'], bySchema(catalogCommand));
export const decodeDeadLetterReport = decoder(['deadletter'], bySchema(deadLetterReport));

export const decodeStepTask = decoder(['step', 'agent', 'evaluate'], (value, subject) =>
  isPlainTask(value) ? value : parseValue(stepTask, value, subject),
);

/** @throws ContractError */
export const decodeApprovalTask = (incoming: IncomingText) => {
  const { address, message } = decode(
    incoming,
    ['approval.request', 'approval.decision'],
    bySchema(approvalTask),
  );
  if (address.kind !== `approval.${message.type}`) {
    throw new ContractError(`a ${message.type} does not belong on ${incoming.subject}`, '/type');
  }
  return message;
};

const readResumeMessage: Reader<ResumeMessage> = (value, subject, kind) =>
  (kind === 'resume.step' || kind === 'resume.agent') && isPlainResult(value)
    ? value
    : parseValue(resumeSchemas[kind as ResumeKind], value, subject);

/** Says of a step's report who has sent it. @throws ContractError */
export const decodeResumeMessage = (incoming: IncomingText): IncomingResume => {
  const { address, message } = decode(incoming, resumeKinds, readResumeMessage, failChanged);
  return 'worker' in message
    ? { ...message, sentBy: address.kind === 'resume.agent' ? 'agent' : 'worker' }
    : message;
};
