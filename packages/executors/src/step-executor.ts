/** The one interface of everything that can run a step. One folder for each kind; `registry.ts` holds them. */
import type { StepError } from '@signalbox/engine';
import type { JsonValue, StepTask } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';

export interface StepWarning {
  readonly code: string;
  readonly message: string;
}

export type Execution =
  | { readonly ok: true; readonly output: JsonValue; readonly warnings?: readonly StepWarning[] }
  | { readonly ok: false; readonly error: StepError };

export interface ExecutionContext {
  /** Aborts when nobody waits for the result any more; an executor then stops what it does, above all further calls. */
  readonly signal: AbortSignal;
  /** Carries run, step and attempt. */
  readonly logger: Logger;
  /** Name of the worker that holds the step. */
  readonly worker: string;
}

export interface StepExecutor {
  /** The `action` of an operation, such as `agent.run`. */
  readonly action: string;
  /** Bytes of JSON; `maxStepPayloadBytes` unless what is given is not the state's result itself. */
  readonly maxOutputBytes?: number;
  /** Resolves also when the step fails: a rejection is a defect of the executor, not a step's failure. */
  readonly execute: (task: StepTask, context: ExecutionContext) => Promise<Execution>;
}
