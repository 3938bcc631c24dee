/** `wf.task.run.<workspace>.<runID>`: what operators and callers ask of a run. */
import { z } from 'zod';
import { actor } from './actor.js';
import { maxIdempotencyKeyLength } from './limits.js';
import { callerJson, commandId, id, instant, name, reason, rootOfChild } from './shapes.js';

const base = { commandId, runId: id, workspace: id, actor, issuedAt: instant };

export const runCommand = z.discriminatedUnion('type', [
  z.object({
    ...base,
    type: z.literal('start'),
    workflowId: name,
    /** The stored version; the newest when absent. */
    workflowVersion: z.number().int().positive().optional(),
    input: callerJson,
    idempotencyKey: z.string().max(maxIdempotencyKeyLength).optional(),
    parent: z.object({ runId: id, stepId: id }).optional(),
    /** Of a child run: the root run above it, and how many runs the family may have. */
    root: rootOfChild.optional(),
    maxFamilyRuns: z.number().int().positive().optional(),
  }),
  z.object({ ...base, type: z.literal('pause'), reason: reason.optional() }),
  z.object({ ...base, type: z.literal('resume') }),
  z.object({ ...base, type: z.literal('cancel'), reason: reason.optional() }),
  /** Lifts the quarantine of a run that has stopped the orchestrator too often. */
  z.object({ ...base, type: z.literal('release') }),
  z.object({ ...base, type: z.literal('signal'), signal: name, signalId: id, payload: callerJson }),
]);
export type RunCommand = z.infer<typeof runCommand>;
