/** `wf.task.approval.request.…`: ask for a decision. `wf.task.approval.decision.…`: here is a decision, not yet judged. */
import { z } from 'zod';
import { clientActor } from './actor.js';
import { callerJson, commandId, comment, id, instant, json } from './shapes.js';

const request = z.object({
  type: z.literal('request'),
  runId: id,
  approvalId: id,
  stepId: id,
  workspace: id,
  message: z.string(),
  summary: json.optional(),
  summaryDigest: z.string(),
  approvers: z.array(z.string()),
  quorum: z.number().int().positive(),
  allowRequester: z.boolean(),
  requestedBy: z.string(),
  expiresAt: instant.optional(),
});
export type ApprovalRequest = z.infer<typeof request>;

const decision = z.object({
  type: z.literal('decision'),
  commandId,
  runId: id,
  approvalId: id,
  workspace: id,
  decision: z.enum(['approve', 'reject']),
  actor: clientActor,
  comment: comment.optional(),
  data: callerJson.optional(),
  issuedAt: instant,
});
export type ApprovalDecision = z.infer<typeof decision>;

export const approvalTask = z.discriminatedUnion('type', [request, decision]);
export type ApprovalTask = z.infer<typeof approvalTask>;
