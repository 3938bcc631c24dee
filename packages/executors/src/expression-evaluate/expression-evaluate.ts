/**
 * `expression.evaluate`: evaluates what a state asks where that is more than the orchestrator may spend on it. What an
 * expression does wrong is an answer; the step itself fails only where a thread does.
 */
import { evaluationTask, stepError } from '@signalbox/engine';
import type { JsonValue } from '@signalbox/protocol';
import type { StepExecutor } from '../step-executor.js';
import { maxAnswersBytes } from './evaluate-task.js';
import type { EvaluationPool } from './evaluation-pool.js';

export const createExpressionExecutor = (pool: EvaluationPool): StepExecutor => ({
  action: 'expression.evaluate',
  maxOutputBytes: maxAnswersBytes,
  execute: async ({ input }, { signal }) => {
    const task = evaluationTask(input);
    if (task === undefined) return { ok: false, error: stepError('INTERNAL', 'this is no evaluation') };
    try {
      return { ok: true, output: (await pool.evaluate(task, signal)) as JsonValue };
    } catch (cause) {
      if (signal.aborted) return { ok: false, error: stepError('CANCELLED', 'the evaluation was given up') };
      const what = cause instanceof Error ? cause.message : String(cause);
      return { ok: false, error: stepError('WORKER_LOST', `the evaluation was lost: ${what}`) };
    }
  },
});
