/**
 * Every subject is built here and nowhere else, and taken apart here.
 *
 * A token may not be empty nor hold `.`, `*`, `>` or white space: such a name would change the meaning of the
 * whole subject.
 */
import { ContractError } from './contract-error.js';

const token = (value: string, what: string): string => {
  if (value === '' || /[.*>\s]/.test(value)) {
    throw new ContractError(
      `${what} "${value}" cannot be part of a subject: it is empty or holds ".", "*", ">" or white space`,
      what,
    );
  }
  return value;
};

export const taskSubjects = {
  run: (runId: string) => `wf.task.run.${token(runId, 'run id')}`,
  resume: (runId: string) => `wf.task.resume.${token(runId, 'run id')}`,
  catalog: (workspace: string) => `wf.task.catalog.${token(workspace, 'workspace')}`,
  deadLetter: (workspace: string) => `wf.task.deadletter.${token(workspace, 'workspace')}`,
  step: (runId: string, stepId: string) =>
    `wf.task.step.${token(runId, 'run id')}.${token(stepId, 'step id')}`,
  approval: (runId: string, approvalId: string) =>
    `wf.task.approval.${token(runId, 'run id')}.${token(approvalId, 'approval id')}`,
  agent: (workspace: string, runId: string, stepId: string) =>
    `wf.task.agent.${token(workspace, 'workspace')}.${token(runId, 'run id')}.${token(stepId, 'step id')}`,
} as const;

export const eventSubjects = {
  run: (runId: string) => `wf.event.run.${token(runId, 'run id')}`,
  step: (runId: string, stepId: string) =>
    `wf.event.step.${token(runId, 'run id')}.${token(stepId, 'step id')}`,
  approval: (runId: string, approvalId: string) =>
    `wf.event.approval.${token(runId, 'run id')}.${token(approvalId, 'approval id')}`,
  catalog: (workspace: string) => `wf.event.catalog.${token(workspace, 'workspace')}`,
  deadLetter: (workspace: string) => `wf.event.deadletter.${token(workspace, 'workspace')}`,
} as const;

/** What the consumers filter on. */
export const filters = {
  allRunTasks: 'wf.task.run.>',
  allResumeTasks: 'wf.task.resume.>',
  allCatalogTasks: 'wf.task.catalog.>',
  allDeadLetterTasks: 'wf.task.deadletter.>',
  allStepTasks: 'wf.task.step.>',
  allApprovalTasks: 'wf.task.approval.>',
  agentTasks: (workspace: string) => `wf.task.agent.${token(workspace, 'workspace')}.>`,
  allEvents: 'wf.event.>',
  allApprovalEvents: 'wf.event.approval.>',
  allCatalogEvents: 'wf.event.catalog.>',
} as const;

export type TaskAddress =
  | { readonly kind: 'run' | 'resume'; readonly runId: string }
  | { readonly kind: 'catalog' | 'deadletter'; readonly workspace: string }
  | { readonly kind: 'step'; readonly runId: string; readonly stepId: string }
  | { readonly kind: 'approval'; readonly runId: string; readonly approvalId: string }
  | { readonly kind: 'agent'; readonly workspace: string; readonly runId: string; readonly stepId: string };

/** Takes a task subject apart. @throws ContractError when it is not one of the subjects above. */
export const parseTaskSubject = (subject: string): TaskAddress => {
  const [prefix, task, kind, a, b, c, ...rest] = subject.split('.');
  if (prefix === 'wf' && task === 'task' && a !== undefined && rest.length === 0) {
    if (b === undefined && (kind === 'run' || kind === 'resume')) return { kind, runId: a };
    if (b === undefined && (kind === 'catalog' || kind === 'deadletter')) return { kind, workspace: a };
    if (b !== undefined && c === undefined && kind === 'step') return { kind, runId: a, stepId: b };
    if (b !== undefined && c === undefined && kind === 'approval') return { kind, runId: a, approvalId: b };
    if (b !== undefined && c !== undefined && kind === 'agent')
      return { kind, workspace: a, runId: b, stepId: c };
  }
  throw new ContractError(`"${subject}" is not a task subject of this protocol`, subject);
};
