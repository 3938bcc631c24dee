/** Runs, their steps, events and approvals as clients see them. */
import { z } from '@hono/zod-openapi';
import { runStatuses, stepStatuses } from '@signalbox/engine';
import { errorResource, instantText, json } from './shapes.js';

export const runSummary = z
  .object({
    runId: z.string(),
    workflow: z.object({ id: z.string(), version: z.number().int(), digest: z.string() }),
    status: z.enum(runStatuses),
    startedBy: z.string(),
    startedAt: instantText,
    updatedAt: instantText,
    endedAt: instantText.nullable(),
    error: errorResource.nullable(),
    quarantine: z.object({ reason: z.string(), since: instantText }).nullable().openapi({
      description:
        'Why nothing is done about the run although it has not ended: it has stopped the orchestrator too often, or its definition cannot be compiled.',
    }),
  })
  .openapi('RunSummary');
export type RunSummary = z.infer<typeof runSummary>;

export const stepSummary = z
  .object({
    stepId: z.string(),
    scope: z.string().openapi({ description: "Path of the scope; empty for the run's own." }),
    state: z.string(),
    visit: z.number().int(),
    kind: z.string().openapi({ description: 'The type of the state.' }),
    action: z.string().nullable(),
    target: z.string().nullable(),
    status: z.enum(stepStatuses),
    attempt: z.number().int().nullable().openapi({ description: 'From 1; null where nothing is executed.' }),
    scheduledAt: instantText.openapi({ description: 'When the state was entered.' }),
    startedAt: instantText.nullable(),
    finishedAt: instantText.nullable(),
    retryAt: instantText.nullable().openapi({ description: 'When the next attempt is due.' }),
    worker: z.string().nullable(),
    error: errorResource.nullable(),
    warnings: z.array(z.object({ code: z.string(), message: z.string() })),
    path: z
      .object({
        matched: z.number().int().openapi({ description: 'Index of the condition; -1 for `defaultNext`.' }),
        next: z.string().nullable(),
      })
      .nullable()
      .openapi({ description: 'Which way a switch took.' }),
    childRunId: z.string().nullable(),
  })
  .openapi('Step');
export type StepSummary = z.infer<typeof stepSummary>;

export const stepResource = stepSummary
  .extend({ input: json.optional(), output: json.optional() })
  .openapi('StepDetails');

export const runResource = runSummary
  .extend({
    input: json,
    output: json.optional(),
    sequence: z.number().int().openapi({ description: 'Sequence of the newest event.' }),
    parent: z.object({ runId: z.string(), stepId: z.string() }).nullable(),
    root: z.object({ runId: z.string(), depth: z.number().int() }).nullable().openapi({
      description:
        'Of a child run, whether it is waited for or not: its root run, and how many runs stand above it.',
    }),
    steps: z.array(stepSummary).openapi({ description: 'The first ones, in the order in which they began.' }),
    nextCursor: z
      .string()
      .nullable()
      .openapi({ description: 'Where the list of its steps goes on; null when all of them are here.' }),
  })
  .openapi('Run');
export type RunResource = z.infer<typeof runResource>;

export const quarantineResource = z
  .object({ runId: z.string(), reason: z.string(), since: instantText })
  .openapi('Quarantine');
export type QuarantineResource = z.infer<typeof quarantineResource>;

export const eventResource = z
  .object({
    sequence: z.number().int().openapi({ description: 'From 1 without a gap.' }),
    type: z.string(),
    at: instantText,
    causationId: z.string().nullable().openapi({ description: 'Id of the command that caused it.' }),
    data: z.record(z.string(), json),
  })
  .openapi('Event');
export type EventResource = z.infer<typeof eventResource>;

export const approvalStatuses = ['pending', 'approved', 'rejected', 'expired', 'closed'] as const;
export type ApprovalStatus = (typeof approvalStatuses)[number];

export const approvalResource = z
  .object({
    approvalId: z.string(),
    runId: z.string(),
    stepId: z.string(),
    workflowId: z.string(),
    status: z.enum(approvalStatuses),
    message: z.string(),
    summary: json.optional(),
    summaryDigest: z.string(),
    approvers: z.array(z.string()),
    quorum: z.number().int(),
    allowRequester: z.boolean(),
    requestedBy: z.string(),
    requestedAt: instantText,
    expiresAt: instantText.nullable(),
    endorsements: z.array(z.object({ actor: z.string(), comment: z.string().optional(), at: instantText })),
    decidedBy: z.string().nullable(),
    decidedAt: instantText.nullable(),
    comment: z.string().nullable(),
    data: json.optional(),
  })
  .openapi('Approval');
export type ApprovalResource = z.infer<typeof approvalResource>;
