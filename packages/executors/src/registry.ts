/**
 * Which executor runs which action, and what holds for every execution whatever its kind:
 *
 * 1. `execute` never rejects: a defect of an executor ends as `INTERNAL`, with its cause in the log.
 * 2. An output is at most `maxStepPayloadBytes` of JSON; a larger one ends as `PAYLOAD_TOO_LARGE`.
 * 3. An error's message and details are short enough to travel, whatever an executor put into them.
 */
import { type StepError, stepError } from '@signalbox/engine';
import { maxStepPayloadBytes, type StepTask } from '@signalbox/protocol';
import type { Execution, ExecutionContext, StepExecutor } from './step-executor.js';

export interface ExecutorRegistry {
  /** Sorted. */
  readonly actions: readonly string[];
  /** Never rejects. */
  readonly execute: (task: StepTask, context: ExecutionContext) => Promise<Execution>;
}

const maxErrorMessageLength = 8 * 1024;
const maxErrorDetailsBytes = 16 * 1024;

/** @throws Error when two executors name the same action. */
export const createExecutorRegistry = (executors: readonly StepExecutor[]): ExecutorRegistry => {
  const byAction = new Map<string, StepExecutor>();
  for (const executor of executors) {
    if (byAction.has(executor.action)) throw new Error(`two executors for the action "${executor.action}"`);
    byAction.set(executor.action, executor);
  }
  const actions = [...byAction.keys()].sort();
  return {
    actions,
    execute: async (task, context) => {
      const executor = byAction.get(task.action);
      if (executor === undefined) return { ok: false, error: unknownAction(task, actions, context.worker) };
      const { maxOutputBytes = maxStepPayloadBytes } = executor;
      return withinLimits(task, await withoutRejection(executor, task, context), maxOutputBytes);
    },
  };
};

const unknownAction = (task: StepTask, actions: readonly string[], worker: string): StepError =>
  stepError(
    'INTERNAL',
    `state "${task.state}" asks for the action "${task.action}", which the worker "${worker}" does not know; ` +
      `it knows: ${actions.length === 0 ? 'none' : actions.join(', ')}`,
  );

const withoutRejection = async (
  executor: StepExecutor,
  task: StepTask,
  context: ExecutionContext,
): Promise<Execution> => {
  try {
    return await executor.execute(task, context);
  } catch (cause) {
    context.logger.error('an executor has thrown', { action: task.action, error: cause });
    const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return {
      ok: false,
      error: stepError('INTERNAL', `the executor of "${task.action}" failed unexpectedly (${what})`),
    };
  }
};

const withinLimits = (task: StepTask, execution: Execution, limitBytes: number): Execution => {
  if (!execution.ok) return { ok: false, error: shortened(execution.error) };
  const sizeBytes = Buffer.byteLength(JSON.stringify(execution.output));
  if (sizeBytes <= limitBytes) return execution;
  return {
    ok: false,
    error: stepError(
      'PAYLOAD_TOO_LARGE',
      `the output of state "${task.state}" is ${sizeBytes} bytes of JSON; the limit is ${limitBytes}`,
      { state: task.state, sizeBytes, limitBytes },
    ),
  };
};

const shortened = (error: StepError): StepError => {
  const isLong = error.message.length > maxErrorMessageLength;
  const hasLargeDetails =
    error.details !== undefined && Buffer.byteLength(JSON.stringify(error.details)) > maxErrorDetailsBytes;
  if (!isLong && !hasLargeDetails) return error;
  return {
    code: error.code,
    message: isLong ? `${error.message.slice(0, maxErrorMessageLength)}…` : error.message,
    retryable: error.retryable,
    ...(error.details === undefined || hasLargeDetails ? {} : { details: error.details }),
  };
};
