/** Message → what goes out on a task subject: the one writer of this side of the wire. */
import type { ApprovalDecision, ApprovalRequest } from './approval-task.js';
import type { CatalogCommand } from './catalog-command.js';
import type { DeadLetterReport } from './dead-letter.js';
import type { ApprovalJudgement, ChildEnded, StepReport, StepReporter } from './resume-message.js';
import type { RunCommand } from './run-command.js';
import { attemptKeyOf, runKeyOf } from './run-key.js';
import type { StepTarget, StepTask } from './step-task.js';
import { taskSubjects } from './subjects.js';
import { type WireMessage, type WireMessageMarks, wireMessage } from './wire-message.js';

/** A command of a client is known by its own id in its workspace, one that an effect sends by the id of the effect. */
export const encodeRunCommand = (command: RunCommand): WireMessage => {
  const { workspace, runId, commandId } = command;
  const messageId = `${runKeyOf(command)}/${commandId}`;
  return wireMessage(taskSubjects.run(workspace, runId), messageId, JSON.stringify(command));
};

/** What one run asks of another through the orchestrator. */
export const encodeOwnRunCommand = (command: RunCommand, effectId: string): WireMessage =>
  wireMessage(taskSubjects.ownRun(command.workspace, command.runId), effectId, JSON.stringify(command));

export const encodeCatalogCommand = (command: CatalogCommand): WireMessage => {
  const { workspace, commandId } = command;
  return wireMessage(
    taskSubjects.catalog(workspace, commandId),
    `catalog:${workspace}/${commandId}`,
    JSON.stringify(command),
  );
};

export interface StepTaskParts {
  readonly target: StepTarget;
  readonly effectId: string;
  /** JSON text of the pinned agent definition, or `null`; undefined for actions without an agent. */
  readonly agentText?: string | undefined;
}

const subjectFor: Readonly<Record<StepTarget, typeof taskSubjects.step>> = {
  worker: taskSubjects.step,
  agent: taskSubjects.agent,
  evaluator: taskSubjects.evaluate,
};

/** Where the task of an attempt lies. */
export const stepTaskSubject = (
  target: StepTarget,
  { workspace, runId, stepId }: Pick<StepTask, 'workspace' | 'runId' | 'stepId'>,
): string => subjectFor[target](workspace, runId, stepId);

/**
 * Run, step, attempt and claim stand first in the text: `claimInTask` finds them in one that was cut. Where they stand
 * first in `task`, nothing is copied.
 */
export const encodeStepTask = (
  task: Omit<StepTask, 'agent'>,
  { target, effectId, agentText }: StepTaskParts,
): WireMessage => {
  const { idempotencyKey } = task;
  const given = JSON.stringify(task);
  const text = given.startsWith(headOf(task)) ? given : JSON.stringify(headFirst(task));
  const data = agentText === undefined ? text : `${text.slice(0, -1)},"agent":${agentText}}`;
  return wireMessage(stepTaskSubject(target, task), effectId, data, { idempotencyKey });
};

/** As JSON text begins that has these four first: ids and claims hold nothing that JSON would escape. */
const headOf = ({ runId, stepId, attempt, claim }: Omit<StepTask, 'agent'>): string =>
  `{"runId":"${runId}","stepId":"${stepId}","attempt":${attempt},"claim":"${claim}"`;

const headFirst = (task: Omit<StepTask, 'agent'>): Omit<StepTask, 'agent'> => {
  const { runId, stepId, attempt, claim, ...rest } = task;
  return { runId, stepId, attempt, claim, ...rest };
};

const taskHead = /^\{"runId":"([\w-]+)","stepId":"([\w-]+)","attempt":(\d+),"claim":"([^"\\]+)"/;

/** Reads whose task a payload was, from its first bytes alone. */
export const claimInTask = (
  payload: string,
): Pick<StepTask, 'runId' | 'stepId' | 'attempt' | 'claim'> | undefined => {
  const [, runId, stepId, attempt, claim] = taskHead.exec(payload) ?? [];
  if (runId === undefined || stepId === undefined || claim === undefined) return undefined;
  return { runId, stepId, attempt: Number(attempt), claim };
};

/** The id names attempt and kind: however often a report is sent, the stream stores it once. */
export const encodeStepReport = (
  report: StepReport,
  sentBy: StepReporter,
  cause?: WireMessageMarks['cause'],
): WireMessage => {
  const { workspace, runId, stepId } = report;
  const text = JSON.stringify(report);
  const subjectOf = sentBy === 'agent' ? taskSubjects.resumeAgent : taskSubjects.resumeStep;
  const idempotencyKey = attemptKeyOf(report);
  return wireMessage(subjectOf(workspace, runId, stepId), `${idempotencyKey}/${kindOf(report)}`, text, {
    idempotencyKey,
    cause,
  });
};

const kindOf = (report: StepReport): string => {
  switch (report.type) {
    case 'step.started':
      return 'started';
    // An attempt may be given back more than once.
    case 'step.given_back':
      return `given_back/${report.beginning}`;
    case 'step.succeeded':
    case 'step.failed':
      return 'result';
  }
};

export const encodeApprovalRequest = (request: ApprovalRequest, effectId: string): WireMessage => {
  const { workspace, runId, approvalId } = request;
  return wireMessage(
    taskSubjects.approvalRequest(workspace, runId, approvalId),
    effectId,
    JSON.stringify(request),
  );
};

export const encodeApprovalDecision = (decision: ApprovalDecision): WireMessage => {
  const { workspace, runId, approvalId, commandId } = decision;
  return wireMessage(
    taskSubjects.approvalDecision(workspace, runId, approvalId),
    `${runKeyOf(decision)}/${commandId}`,
    JSON.stringify(decision),
  );
};

/** The decision's own id has been used in this stream already, on its way to be judged. */
export const encodeApprovalJudgement = (judgement: ApprovalJudgement): WireMessage => {
  const { workspace, runId, commandId } = judgement;
  return wireMessage(
    taskSubjects.resumeApproval(workspace, runId),
    `${runKeyOf(judgement)}/${commandId}/judged`,
    JSON.stringify(judgement),
  );
};

export const encodeChildEnded = (ended: ChildEnded, effectId: string): WireMessage =>
  wireMessage(taskSubjects.resumeChild(ended.workspace, ended.runId), effectId, JSON.stringify(ended));

export const encodeDeadLetterReport = (report: DeadLetterReport): WireMessage =>
  wireMessage(
    taskSubjects.deadLetter(report.workspace),
    `deadletter:${report.workspace}/${report.id}`,
    JSON.stringify(report),
  );
