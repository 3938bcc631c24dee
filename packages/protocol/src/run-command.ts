/** `wf.task.run.<runID>`: what operators and callers ask of a run. */
import { z } from 'zod';
import { actor } from './actor.js';
import { commandId, id, instant, json } from './shapes.js';

const base = { commandId, runId: id, workspace: id, actor, issuedAt: instant };

export const runCommand = z.discriminatedUnion('type', [
  z.object({
    ...base,
    type: z.literal('start'),
    workflowId: z.string().min(1),
    /** The stored version; the newest when absent. */
    workflowVersion: z.number().int().positive().optional(),
    input: json,
    idempotencyKey: z.string().max(200).optional(),
    parent: z.object({ runId: id, stepId: id }).optional(),
    /** How many runs stand above this one. */
    depth: z.number().int().positive().optional(),
  }),
  z.object({ ...base, type: z.literal('pause'), reason: z.string().optional() }),
  z.object({ ...base, type: z.literal('resume') }),
  z.object({ ...base, type: z.literal('cancel'), reason: z.string().optional() }),
  /** Lifts the quarantine of a run that has stopped the orchestrator too often. */
  z.object({ ...base, type: z.literal('release') }),
  z.object({ ...base, type: z.literal('signal'), signal: z.string().min(1), signalId: id, payload: json }),
]);
export type RunCommand = z.infer<typeof runCommand>;
