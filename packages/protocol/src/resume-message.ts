/**
 * `wf.task.resume.…`: a run can go on. Workers and agents report their steps, the approval service what it has judged,
 * the orchestrator the end of a child run; each on a kind of its own.
 */
import { z } from 'zod';
import { clientActor } from './actor.js';
import {
  attempt,
  callerJson,
  claimedInstant,
  commandId,
  comment,
  cutText,
  id,
  json,
  reportedError,
  reportedWarnings,
  workerName,
} from './shapes.js';

const ofRun = { workspace: id, runId: id };

const ofStep = {
  ...ofRun,
  stepId: id,
  attempt,
  /** HMAC that came with the task: who never held the task cannot answer it. */
  claim: z.string().max(200),
  worker: workerName,
  startedAt: claimedInstant,
};

const stepReport = z.discriminatedUnion('type', [
  z.object({ ...ofStep, type: z.literal('step.started'), beginning: id, replaces: id.optional() }),
  /** Its worker was told to stop, and does not end what it has begun. */
  z.object({ ...ofStep, type: z.literal('step.given_back'), beginning: id }),
  z.object({
    ...ofStep,
    type: z.literal('step.succeeded'),
    finishedAt: claimedInstant,
    output: json,
    warnings: reportedWarnings.optional(),
  }),
  z.object({ ...ofStep, type: z.literal('step.failed'), finishedAt: claimedInstant, error: reportedError }),
]);
export type StepReport = z.infer<typeof stepReport>;

const ofApproval = {
  ...ofRun,
  commandId,
  approvalId: id,
  actor: clientActor,
  comment: comment.optional(),
};

const approvalJudgement = z.discriminatedUnion('type', [
  z.object({
    ...ofApproval,
    type: z.literal('approval.decision'),
    decision: z.enum(['approve', 'reject']),
    data: callerJson.optional(),
  }),
  z.object({
    ...ofApproval,
    type: z.literal('approval.refusal'),
    code: cutText(100),
    message: cutText(4_000),
  }),
]);
export type ApprovalJudgement = z.infer<typeof approvalJudgement>;

const childEnded = z.object({
  ...ofRun,
  type: z.literal('child.ended'),
  stepId: id,
  childRunId: id,
  outcome: z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), output: json }),
    z.object({ ok: z.literal(false), error: reportedError }),
  ]),
});
export type ChildEnded = z.infer<typeof childEnded>;

export type ResumeMessage = StepReport | ApprovalJudgement | ChildEnded;

export type ResumeKind = 'resume.step' | 'resume.agent' | 'resume.approval' | 'resume.child';

/** What may come on each kind: a permission to send one is none to send another. */
export const resumeSchemas: Readonly<Record<ResumeKind, z.ZodType<ResumeMessage>>> = {
  'resume.step': stepReport,
  'resume.agent': stepReport,
  'resume.approval': approvalJudgement,
  'resume.child': childEnded,
};
export const resumeKinds = Object.keys(resumeSchemas) as ResumeKind[];

/** Who may report a step: each on a kind of its own. */
export type StepReporter = 'worker' | 'agent';

/** A report says which of the two kinds it came on. */
export type IncomingResume =
  | (StepReport & { readonly sentBy: StepReporter })
  | ApprovalJudgement
  | ChildEnded;
