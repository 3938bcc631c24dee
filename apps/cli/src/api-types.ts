/** What the commands read of the api's answers. Checked at the edge, so that a surprise is an error and not a blank. */
import { z } from 'zod';

const error = z.object({ code: z.string(), message: z.string() }).nullable();

export const runSummary = z.object({
  runId: z.string(),
  workflow: z.object({ id: z.string(), version: z.number() }),
  status: z.string(),
  startedBy: z.string(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  error,
  quarantine: z.object({ reason: z.string() }).nullable(),
});
export type RunSummary = z.infer<typeof runSummary>;

export const step = z.object({
  stepId: z.string(),
  scope: z.string(),
  state: z.string(),
  kind: z.string(),
  action: z.string().nullable(),
  target: z.string().nullable(),
  status: z.string(),
  attempt: z.number().nullable(),
  scheduledAt: z.string(),
  finishedAt: z.string().nullable(),
  /** When the next attempt begins, while a step rests after a failure. */
  retryAt: z.string().nullable(),
  worker: z.string().nullable(),
  error,
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  path: z.object({ matched: z.number(), next: z.string().nullable() }).nullable(),
});
export type Step = z.infer<typeof step>;

export const run = runSummary.extend({
  input: z.unknown(),
  output: z.unknown().optional(),
  /** The first ones. */
  steps: z.array(step),
  nextCursor: z.string().nullable(),
});
export type Run = z.infer<typeof run>;

export const workflowSummary = z.object({
  id: z.string(),
  version: z.number(),
  label: z.string(),
  name: z.string(),
  createdAt: z.string(),
  createdBy: z.string(),
});

export const issue = z.object({
  code: z.string(),
  path: z.string(),
  line: z.number(),
  column: z.number(),
  message: z.string(),
  hint: z.string().optional(),
});
export type Issue = z.infer<typeof issue>;

export const approval = z.object({
  approvalId: z.string(),
  runId: z.string(),
  workflowId: z.string(),
  status: z.string(),
  message: z.string(),
  approvers: z.array(z.string()),
  requestedBy: z.string(),
  requestedAt: z.string(),
  expiresAt: z.string().nullable(),
  decidedBy: z.string().nullable(),
});
export type Approval = z.infer<typeof approval>;

export const quarantine = z.object({ runId: z.string(), reason: z.string(), since: z.string() });

export const event = z.object({
  sequence: z.number(),
  type: z.string(),
  at: z.string(),
  data: z.record(z.string(), z.unknown()),
});
export type Event = z.infer<typeof event>;

export const deadLetter = z.object({
  id: z.string(),
  subject: z.string(),
  consumer: z.string(),
  deliveryCount: z.number(),
  code: z.string(),
  reason: z.string(),
  at: z.string(),
  outcome: z.string(),
});

export const problem = z.object({
  status: z.number(),
  code: z.string(),
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.unknown()).optional(),
});
export type Problem = z.infer<typeof problem>;
