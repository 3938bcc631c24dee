/** `wf.task.step.…`, `wf.task.agent.…` and `wf.task.evaluate.…`: execute this attempt. Holds all that the execution needs. */
import { z } from 'zod';
import type { StepReporter } from './resume-message.js';
import { attempt, durationMs, id, instant, json } from './shapes.js';

export const stepTask = z.object({
  runId: id,
  stepId: id,
  attempt,
  claim: z.string(),
  workspace: id,
  workflow: z.object({ id: z.string(), version: z.number().int() }),
  /** Path of the scope; '' is the root. */
  scope: z.string(),
  state: z.string(),
  action: z.string(),
  /** The rendered input of the state. */
  input: json,
  /** The pinned agent definition of an `agent.run` (plain JSON, as `packages/dsl` parses it); null when the workspace has none of that name. */
  agent: json.optional(),
  outputValidation: z.enum(['warn', 'strict']),
  scheduledAt: instant,
  /**
   * Milliseconds that the attempt has from its beginning. A duration, and no instant: the clocks of two machines need not
   * agree. What waited before somebody claimed it is judged by the orchestrator alone.
   */
  timeoutMs: durationMs.optional(),
  /** `workspace:runID:stepID:attempt`. */
  idempotencyKey: z.string(),
});
export type StepTask = z.infer<typeof stepTask>;

/** Who executes a step. A worker evaluates too, but in a queue of its own. */
export type StepTarget = 'worker' | 'agent' | 'evaluator';

/** Who reports what was given to a target. */
export const reporterOf = (target: StepTarget): StepReporter => (target === 'agent' ? 'agent' : 'worker');
