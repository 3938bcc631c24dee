/** The engine's effects → messages for workers, the approval service and other runs. */
import type { Effect, RunStarted } from '@signalbox/engine';
import {
  type ApprovalTask,
  type ResumeMessage,
  type RunCommand,
  type StepTask,
  taskSubjects,
} from '@signalbox/protocol';
import type { OutboxEntry, Withdrawal } from '../store/outbox-store.js';

export type MessageEntry = Extract<OutboxEntry, { kind: 'message' }>;
type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>;

const attemptKey = (runId: string, of: { readonly stepId: string; readonly attempt: number }): string =>
  `${runId}:${of.stepId}:${of.attempt}`;

const stepSubject = (
  { runId, workspace }: RunStarted,
  { stepId, target }: { readonly stepId: string; readonly target: 'worker' | 'agent' },
): string =>
  target === 'agent' ? taskSubjects.agent(workspace, runId, stepId) : taskSubjects.step(runId, stepId);

/** Where an attempt shows in the task queue: its task, whoever executes it, or the answer to it. */
export const subjectsOfAttempt = (
  { runId, workspace }: { readonly runId: string; readonly workspace: string },
  { stepId }: { readonly stepId: string },
): readonly string[] => [
  taskSubjects.step(runId, stepId),
  taskSubjects.agent(workspace, runId, stepId),
  taskSubjects.resume(runId),
];

export const stepWithdrawal = (run: RunStarted, effect: EffectOf<'withdraw_step'>): Withdrawal => ({
  kind: 'withdrawal',
  subject: stepSubject(run, effect),
  idempotencyKey: attemptKey(run.runId, effect),
});

export const approvalWithdrawal = (
  { runId }: RunStarted,
  { approvalId }: EffectOf<'withdraw_approval'>,
): Withdrawal => ({ kind: 'withdrawal', subject: taskSubjects.approval(runId, approvalId) });

/** Marks the place of the agent's definition, which goes in as the text that is stored. */
const withAgent = (task: string, agent: string): string => `${task.slice(0, -1)},"agent":${agent}}`;

/**
 * `agent` is the JSON text of the pinned definition, or `null`; undefined for actions without an agent.
 * Run, step, attempt and claim come first: `claimInTask` finds them in a payload that was cut.
 */
export const stepTaskEntry = (
  run: RunStarted,
  effect: EffectOf<'dispatch_step'>,
  messageId: string,
  scheduledAt: number,
  claim: string,
  agent: string | undefined,
): MessageEntry => {
  const { runId, workspace } = run;
  const { stepId, attempt } = effect;
  const idempotencyKey = attemptKey(runId, effect);
  const task: StepTask = {
    runId,
    stepId,
    attempt,
    claim,
    workspace,
    workflow: { id: run.workflow.id, version: run.workflow.version },
    scope: effect.scope,
    state: effect.state,
    action: effect.action,
    input: effect.input,
    outputValidation: effect.outputValidation,
    scheduledAt,
    ...(effect.timeoutAt === undefined ? {} : { timeoutAt: effect.timeoutAt }),
    idempotencyKey,
  };
  const text = JSON.stringify(task);
  return {
    kind: 'message',
    subject: stepSubject(run, effect),
    messageId,
    idempotencyKey,
    payload: agent === undefined ? text : withAgent(text, agent),
  };
};

const taskHead = /^\{"runId":"([^"\\]+)","stepId":"([^"\\]+)","attempt":(\d+),"claim":"([^"\\]+)"/;

/** Reads whose task a payload was, from its first bytes alone. */
export const claimInTask = (
  payload: string,
):
  | { readonly runId: string; readonly stepId: string; readonly attempt: number; readonly claim: string }
  | undefined => {
  const [, runId, stepId, attempt, claim] = taskHead.exec(payload) ?? [];
  if (runId === undefined || stepId === undefined || claim === undefined) return undefined;
  return { runId, stepId, attempt: Number(attempt), claim };
};

export const approvalTaskEntry = (
  run: RunStarted,
  { request }: EffectOf<'request_approval'>,
  messageId: string,
): MessageEntry => {
  const { type: _, onReject: __, approvers, ...fields } = request;
  const task: ApprovalTask = {
    type: 'request',
    runId: run.runId,
    workspace: run.workspace,
    ...fields,
    approvers: [...approvers],
  };
  return {
    kind: 'message',
    subject: taskSubjects.approval(run.runId, request.approvalId),
    messageId,
    payload: JSON.stringify(task),
  };
};

/** A child is started in the name of who started its parent, so that nobody approves their own run through one. */
export const startChildEntry = (
  run: RunStarted,
  effect: EffectOf<'start_child'>,
  messageId: string,
  issuedAt: number,
): MessageEntry => {
  const command: RunCommand = {
    type: 'start',
    commandId: messageId,
    runId: effect.childRunId,
    workspace: run.workspace,
    actor: run.startedBy,
    issuedAt,
    workflowId: effect.workflow,
    input: effect.input,
    depth: effect.depth,
    ...(effect.linked ? { parent: { runId: run.runId, stepId: effect.stepId } } : {}),
  };
  return runCommandEntry(command, messageId);
};

export const cancelChildEntry = (
  run: RunStarted,
  effect: EffectOf<'cancel_child'>,
  messageId: string,
  issuedAt: number,
): MessageEntry =>
  runCommandEntry(
    {
      type: 'cancel',
      commandId: messageId,
      runId: effect.childRunId,
      workspace: run.workspace,
      actor: 'system:orchestrator',
      reason: `the parent run ${run.runId} no longer waits for it`,
      issuedAt,
    },
    messageId,
  );

const runCommandEntry = (command: RunCommand, messageId: string): MessageEntry => ({
  kind: 'message',
  subject: taskSubjects.run(command.runId),
  messageId,
  payload: JSON.stringify(command),
});

export type ChildOutcome = Extract<Effect, { type: 'notify_parent' }>['outcome'];

export const childEndedEntry = (
  parent: { readonly runId: string; readonly stepId: string },
  childRunId: string,
  outcome: ChildOutcome,
  messageId: string,
): MessageEntry => {
  const message: ResumeMessage = {
    type: 'child.ended',
    runId: parent.runId,
    stepId: parent.stepId,
    childRunId,
    outcome,
  };
  return {
    kind: 'message',
    subject: taskSubjects.resume(parent.runId),
    messageId,
    payload: JSON.stringify(message),
  };
};
