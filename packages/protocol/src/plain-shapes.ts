/**
 * The two messages that every step has, judged by hand: what the schema does with them costs ten times as much, and copies
 * them. Nothing is taken that the schema refuses or changes; what is not taken, the schema judges.
 */
import { maxNameOfWorkerLength } from './limits.js';
import type { StepReport } from './resume-message.js';
import { idPattern, isInstant } from './shapes.js';
import type { StepTask } from './step-task.js';

type Fields = Readonly<Record<string, unknown>>;

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isId = (value: unknown): boolean => isText(value) && idPattern.test(value);
const isAttempt = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
const isDuration = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

const hasOnly = (fields: Fields, known: ReadonlySet<string>): boolean => {
  for (const field in fields) if (!known.has(field)) return false;
  return true;
};

const canonicalWorker = /^[\w.:@/-]*$/;
const ofResult = new Set([
  ...['type', 'workspace', 'runId', 'stepId', 'attempt', 'claim', 'worker'],
  ...['startedAt', 'finishedAt', 'output'],
]);

/** A step that succeeded without a warning. */
export const isPlainResult = (value: unknown): value is StepReport & { type: 'step.succeeded' } => {
  const report = fieldsOf(value);
  return (
    report?.type === 'step.succeeded' &&
    isId(report.workspace) &&
    isId(report.runId) &&
    isId(report.stepId) &&
    isAttempt(report.attempt) &&
    isText(report.claim) &&
    report.claim.length <= 200 &&
    isText(report.worker) &&
    report.worker.length <= maxNameOfWorkerLength &&
    canonicalWorker.test(report.worker) &&
    isNumber(report.startedAt) &&
    isNumber(report.finishedAt) &&
    report.output !== undefined &&
    hasOnly(report, ofResult)
  );
};

const ofTask = new Set([
  ...['runId', 'stepId', 'attempt', 'claim', 'workspace', 'workflow', 'scope', 'state', 'action'],
  ...['input', 'agent', 'outputValidation', 'scheduledAt', 'timeoutMs', 'idempotencyKey'],
]);
const ofWorkflow = new Set(['id', 'version']);

const isWorkflow = (value: unknown): boolean => {
  const workflow = fieldsOf(value);
  return (
    workflow !== undefined &&
    isText(workflow.id) &&
    Number.isSafeInteger(workflow.version) &&
    hasOnly(workflow, ofWorkflow)
  );
};

export const isPlainTask = (value: unknown): value is StepTask => {
  const task = fieldsOf(value);
  return (
    task !== undefined &&
    isId(task.workspace) &&
    isId(task.runId) &&
    isId(task.stepId) &&
    isAttempt(task.attempt) &&
    isText(task.claim) &&
    isText(task.scope) &&
    isText(task.state) &&
    isText(task.action) &&
    isText(task.idempotencyKey) &&
    (task.outputValidation === 'warn' || task.outputValidation === 'strict') &&
    isInstant(task.scheduledAt) &&
    (task.timeoutMs === undefined || isDuration(task.timeoutMs)) &&
    task.input !== undefined &&
    isWorkflow(task.workflow) &&
    hasOnly(task, ofTask)
  );
};
