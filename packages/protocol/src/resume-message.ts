/** `wf.task.resume.<runID>`: a run can go on. From workers, agents and the approval service. */
import { z } from 'zod';
import { actor, attempt, instant, json, stepError, token, warning } from './shapes.js';

const ofStep = {
  runId: token,
  stepId: token,
  attempt,
  /** HMAC over run, step and attempt that came with the task: who never held the task cannot answer it. */
  claim: z.string(),
  worker: z.string(),
  startedAt: instant,
};

const ofApproval = {
  commandId: token,
  runId: token,
  approvalId: token,
  actor,
  comment: z.string().optional(),
};

export const resumeMessage = z.discriminatedUnion('type', [
  z.object({ ...ofStep, type: z.literal('step.started') }),
  z.object({
    ...ofStep,
    type: z.literal('step.succeeded'),
    finishedAt: instant,
    output: json,
    warnings: z.array(warning).optional(),
  }),
  z.object({ ...ofStep, type: z.literal('step.failed'), finishedAt: instant, error: stepError }),
  z.object({
    ...ofApproval,
    type: z.literal('approval.decision'),
    decision: z.enum(['approve', 'reject']),
    data: json.optional(),
  }),
  z.object({ ...ofApproval, type: z.literal('approval.refusal'), code: z.string(), message: z.string() }),
  z.object({
    type: z.literal('child.ended'),
    runId: token,
    stepId: token,
    childRunId: token,
    outcome: z.discriminatedUnion('ok', [
      z.object({ ok: z.literal(true), output: json }),
      z.object({ ok: z.literal(false), error: stepError }),
    ]),
  }),
]);
export type ResumeMessage = z.infer<typeof resumeMessage>;
