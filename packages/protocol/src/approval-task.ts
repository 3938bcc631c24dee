/** `wf.task.approval.<runID>.<approvalID>`: ask for a decision; here is a decision. */
import { z } from 'zod';
import { actor, instant, json, token } from './shapes.js';

export const approvalTask = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('request'),
    runId: token,
    approvalId: token,
    stepId: token,
    workspace: token,
    message: z.string(),
    summary: json.optional(),
    summaryDigest: z.string(),
    approvers: z.array(z.string()),
    quorum: z.number().int().positive(),
    allowRequester: z.boolean(),
    requestedBy: z.string(),
    expiresAt: instant.optional(),
  }),
  z.object({
    type: z.literal('decision'),
    commandId: token,
    runId: token,
    approvalId: token,
    workspace: token,
    decision: z.enum(['approve', 'reject']),
    actor,
    comment: z.string().optional(),
    data: json.optional(),
    issuedAt: instant,
  }),
]);
export type ApprovalTask = z.infer<typeof approvalTask>;
