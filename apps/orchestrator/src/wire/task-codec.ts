/** The engine's effects → messages for workers, the approval service and other runs. */
import type { Effect, RunStarted } from '@signalbox/engine';
import {
  attemptKeyOf,
  encodeApprovalRequest,
  encodeChildEnded,
  encodeOwnRunCommand,
  encodeStepTask,
  type RunRef,
  stepTaskSubject,
  taskSubjects,
} from '@signalbox/protocol';
import { type MessageEntry, messageEntry, type Withdrawal } from '../store/outbox-store.js';

type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>;

/** Where an attempt shows in the task queue: its task, whoever executes it, and the answers to it. */
export const subjectsOfAttempt = (
  { runId, workspace }: RunRef,
  { stepId, kind }: { readonly stepId: string; readonly kind: 'operation' | 'evaluation' },
): { readonly tasks: readonly string[]; readonly answers: readonly string[] } => ({
  tasks:
    kind === 'evaluation'
      ? [taskSubjects.evaluate(workspace, runId, stepId)]
      : [taskSubjects.step(workspace, runId, stepId), taskSubjects.agent(workspace, runId, stepId)],
  answers: [
    taskSubjects.resumeStep(workspace, runId, stepId),
    taskSubjects.resumeAgent(workspace, runId, stepId),
  ],
});

export const stepWithdrawal = (
  { workspace, runId }: RunStarted,
  effect: EffectOf<'withdraw_step'>,
): Withdrawal => ({
  kind: 'withdrawal',
  subject: stepTaskSubject(effect.target, { workspace, runId, stepId: effect.stepId }),
  idempotencyKey: attemptKeyOf({ ...effect, workspace, runId }),
});

export const approvalWithdrawal = (
  { workspace, runId }: RunStarted,
  { approvalId }: EffectOf<'withdraw_approval'>,
): Withdrawal => ({
  kind: 'withdrawal',
  subject: taskSubjects.approvalRequest(workspace, runId, approvalId),
});

/** `agentText` is the JSON text of the pinned definition, or `null`; undefined for actions without an agent. */
export const stepTaskEntry = (
  run: RunStarted,
  effect: EffectOf<'dispatch_step'>,
  effectId: string,
  scheduledAt: number,
  claim: string,
  agentText: string | undefined,
): MessageEntry => {
  const { runId, workspace } = run;
  const { stepId, attempt, target } = effect;
  const task = {
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
    ...(effect.timeoutAt === undefined ? {} : { timeoutMs: Math.max(0, effect.timeoutAt - scheduledAt) }),
    idempotencyKey: attemptKeyOf({ workspace, runId, stepId, attempt }),
  };
  return messageEntry(encodeStepTask(task, { target, effectId, agentText }));
};

export const approvalTaskEntry = (
  run: RunStarted,
  { request }: EffectOf<'request_approval'>,
  effectId: string,
): MessageEntry => {
  const { type: _, onReject: __, approvers, ...fields } = request;
  const { runId, workspace } = run;
  return messageEntry(
    encodeApprovalRequest(
      { type: 'request', runId, workspace, ...fields, approvers: [...approvers] },
      effectId,
    ),
  );
};

/**
 * A child is started in the name of who started its parent, so that nobody approves their own run through one. The
 * command is known by what it is about: however often it is sent, it is the same one.
 */
export const startChildEntry = (
  run: RunStarted,
  effect: Omit<EffectOf<'start_child'>, 'type'>,
  messageId: string,
  issuedAt: number,
): MessageEntry =>
  messageEntry(
    encodeOwnRunCommand(
      {
        type: 'start',
        commandId: `${run.runId}/${effect.stepId}/start`,
        runId: effect.childRunId,
        workspace: run.workspace,
        actor: run.startedBy,
        issuedAt,
        workflowId: effect.workflow,
        input: effect.input,
        root: effect.root,
        maxFamilyRuns: effect.maxFamilyRuns,
        ...(effect.linked ? { parent: { runId: run.runId, stepId: effect.stepId } } : {}),
      },
      messageId,
    ),
  );

export const cancelChildEntry = (
  run: RunStarted,
  effect: Omit<EffectOf<'cancel_child'>, 'type'>,
  effectId: string,
  issuedAt: number,
): MessageEntry =>
  messageEntry(
    encodeOwnRunCommand(
      {
        type: 'cancel',
        commandId: effectId,
        runId: effect.childRunId,
        workspace: run.workspace,
        actor: 'system:orchestrator',
        reason: `the parent run ${run.runId} no longer waits for it`,
        issuedAt,
      },
      effectId,
    ),
  );

export type ChildOutcome = EffectOf<'notify_parent'>['outcome'];

export const childEndedEntry = (
  parent: RunRef & { readonly stepId: string },
  childRunId: string,
  outcome: ChildOutcome,
  effectId: string,
): MessageEntry =>
  messageEntry(encodeChildEnded({ type: 'child.ended', ...parent, childRunId, outcome }, effectId));
