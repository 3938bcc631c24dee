/** Workflows, agents, teams and dead letters as clients see them. */
import { z } from '@hono/zod-openapi';
import { instantText, issueResource } from './shapes.js';

export const workflowSummary = z
  .object({
    id: z.string(),
    version: z.number().int().openapi({ description: 'The stored version, counted from 1.' }),
    label: z.string().openapi({ description: "The author's version label." }),
    name: z.string(),
    description: z.string().nullable(),
    digest: z.string().openapi({ description: 'SHA-256 of the source, hex.' }),
    createdAt: instantText.openapi({ description: 'When this version was made.' }),
    createdBy: z.string(),
    deletedAt: instantText.nullable(),
  })
  .openapi('WorkflowSummary');
export type WorkflowSummary = z.infer<typeof workflowSummary>;

export const workflowResource = workflowSummary
  .extend({
    source: z.string().openapi({ description: 'The definition as its author wrote it: YAML or JSON.' }),
    warnings: z.array(issueResource),
    versions: z
      .array(
        z.object({
          version: z.number().int(),
          label: z.string(),
          digest: z.string(),
          createdAt: instantText,
          createdBy: z.string(),
        }),
      )
      .openapi({ description: 'All versions, newest first.' }),
  })
  .openapi('Workflow');
export type WorkflowResource = z.infer<typeof workflowResource>;

export const validationResource = z
  .object({ valid: z.boolean(), errors: z.array(issueResource), warnings: z.array(issueResource) })
  .openapi('Validation');
export type ValidationResource = z.infer<typeof validationResource>;

export const agentSummary = z
  .object({
    name: z.string(),
    version: z.number().int(),
    digest: z.string(),
    updatedAt: instantText,
    updatedBy: z.string(),
  })
  .openapi('AgentSummary');
export type AgentSummary = z.infer<typeof agentSummary>;

export const agentResource = agentSummary.extend({ source: z.string() }).openapi('Agent');
export type AgentResource = z.infer<typeof agentResource>;

export const teamsResource = z
  .object({
    teams: z.record(z.string(), z.array(z.string())).openapi({ description: 'Team name to members.' }),
    source: z.string(),
    digest: z.string(),
    updatedAt: instantText,
    updatedBy: z.string(),
  })
  .openapi('Teams');
export type TeamsResource = z.infer<typeof teamsResource>;

export const deadLetterResource = z
  .object({
    id: z.string(),
    stream: z.string(),
    subject: z.string(),
    consumer: z.string(),
    deliveryCount: z.number().int(),
    code: z.string(),
    reason: z.string(),
    reportedBy: z.string(),
    at: instantText,
    payload: z.string().openapi({ description: 'The first 64 KiB, base64.' }),
    payloadBytes: z.number().int(),
    outcome: z
      .enum(['kept', 'retried', 'dropped'])
      .openapi({ description: 'What an operator has done with it.' }),
    endedAt: instantText.nullable(),
    endedBy: z.string().nullable(),
  })
  .openapi('DeadLetter');
export type DeadLetterResource = z.infer<typeof deadLetterResource>;
