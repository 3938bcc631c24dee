/**
 * The one interface of every source of model answers. `scripted` is the only provider so far; openai,
 * azure-openai, anthropic and openai-compatible get a folder each and the same interface.
 *
 * A provider makes one attempt: retries, back-off and timeouts belong to the engine, which sees every attempt.
 */
import type { ScriptedAnswer } from '@signalbox/dsl';
import type { Json, JsonObject, StepError } from '@signalbox/engine';

export interface ModelMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ModelRequest {
  /** The model's name at its provider. */
  readonly model: string;
  readonly messages: readonly ModelMessage[];
  /** The values that the prompt was rendered from, by name: `input`, `task`, `variables`, `attempt`. */
  readonly inputs: JsonObject;
  /** JSON Schema that the answer should keep. A provider that can ask its model for it does; the caller checks. */
  readonly outputSchema?: Json;
  readonly config: ModelConfig;
  /** The step's attempt, from 1. */
  readonly attempt: number;
  /** Aborts when nobody waits for the answer; the provider then stops and resolves with `CANCELLED`. */
  readonly signal: AbortSignal;
}

/** What an agent's file says to its provider. Each provider takes what it knows. */
export interface ModelConfig {
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  /** For `scripted` alone. */
  readonly answers?: readonly ScriptedAnswer[];
}

export type ModelAnswer =
  | { readonly kind: 'text'; readonly text: string }
  /** A provider that knows the answer's structure hands it over as it is. */
  | { readonly kind: 'value'; readonly value: Json };

export interface ModelUsage {
  /** Which provider has answered, for the log: nobody shall take a scripted answer for a model's. */
  readonly provider: string;
  readonly model: string;
  /** Absent where no model was called. */
  readonly inputTokenCount?: number;
  readonly outputTokenCount?: number;
}

export type Completion =
  | { readonly ok: true; readonly answer: ModelAnswer; readonly usage: ModelUsage }
  | { readonly ok: false; readonly error: StepError };

export interface ModelProvider {
  /** What stands before the slash of an agent's `model`. */
  readonly name: string;
  /** Resolves also when the provider fails: `PROVIDER_UNAVAILABLE`, `PROVIDER_RATE_LIMITED`, `PROVIDER_AUTH`, `PROVIDER_REFUSED`, `AGENT_ERROR`. */
  readonly complete: (request: ModelRequest) => Promise<Completion>;
}
