/** `wf.event.catalog.<workspace>` and `wf.event.deadletter.<workspace>`: definitions and agents as they are now. */
import { z } from 'zod';
import { deadLetterReport } from './dead-letter.js';
import { issue } from './shapes.js';

const of = <T extends string>(type: T) => ({ type: z.literal(type), actor: z.string() });

export const catalogEvent = z.discriminatedUnion('type', [
  z.object({
    ...of('catalog.workflow_put'),
    workflowId: z.string(),
    /** Counted from 1; a put of the same source makes no new one. */
    version: z.number().int(),
    digest: z.string(),
    name: z.string(),
    /** The author's version label. */
    label: z.string(),
    description: z.string().optional(),
    source: z.string(),
    warnings: z.array(issue),
    /** False when the source was already the newest version. */
    changed: z.boolean(),
  }),
  z.object({ ...of('catalog.workflow_deleted'), workflowId: z.string() }),
  z.object({
    ...of('catalog.agent_put'),
    name: z.string(),
    version: z.number().int(),
    digest: z.string(),
    source: z.string(),
    changed: z.boolean(),
  }),
  z.object({ ...of('catalog.agent_deleted'), name: z.string() }),
  z.object({
    ...of('catalog.teams_put'),
    digest: z.string(),
    /** Team name → members (`user:…`). */
    teams: z.record(z.string(), z.array(z.string())),
    source: z.string(),
    changed: z.boolean(),
  }),
  z.object({ ...of('catalog.dead_letter_retried'), deadLetterId: z.string() }),
  z.object({ ...of('catalog.dead_letter_dropped'), deadLetterId: z.string() }),
  z.object({
    ...of('catalog.command_refused'),
    command: z.string(),
    code: z.string(),
    message: z.string(),
    issues: z.array(issue).optional(),
  }),
  z.object({ ...of('deadletter.recorded'), deadLetter: deadLetterReport }),
  /** The run has stopped the orchestrator too often: what comes for it is set aside. No fact of its history. */
  z.object({ ...of('deadletter.run_quarantined'), runId: z.string(), reason: z.string() }),
  z.object({ ...of('deadletter.run_released'), runId: z.string() }),
]);
export type CatalogEventMessage = z.infer<typeof catalogEvent>;
