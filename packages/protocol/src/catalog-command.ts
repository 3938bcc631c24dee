/** `wf.task.catalog.<workspace>.<commandID>`: definitions, agents and teams, put or taken away; what becomes of a dead letter. */
import { z } from 'zod';
import { clientActor } from './actor.js';
import { deadLetterId } from './dead-letter.js';
import { id, instant, name } from './shapes.js';

const base = { commandId: id, workspace: id, actor: clientActor, issuedAt: instant };

export const catalogCommand = z.discriminatedUnion('type', [
  z.object({
    ...base,
    type: z.literal('put_workflow'),
    /** `create` is refused where the id exists, `update` where it does not. */
    mode: z.enum(['create', 'update', 'put']),
    /** When given, the definition's own id must be the same. */
    workflowId: name.optional(),
    /** The definition as its author wrote it: YAML or JSON. What is too long is answered by the catalog. */
    source: z.string(),
  }),
  z.object({ ...base, type: z.literal('delete_workflow'), workflowId: name }),
  z.object({ ...base, type: z.literal('put_agent'), name, source: z.string() }),
  z.object({ ...base, type: z.literal('delete_agent'), name }),
  z.object({ ...base, type: z.literal('put_teams'), source: z.string() }),
  /** The kept message is published once more. */
  z.object({ ...base, type: z.literal('retry_dead_letter'), deadLetterId }),
  /** Nobody needs it any more. */
  z.object({ ...base, type: z.literal('drop_dead_letter'), deadLetterId }),
]);
export type CatalogCommand = z.infer<typeof catalogCommand>;
