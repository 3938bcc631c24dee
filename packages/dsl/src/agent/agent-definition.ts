/** An agent as it is stored and sent with a step's task: plain JSON. */
import type { Expression, Json, Template } from '@signalbox/engine';

export interface ScriptedAnswer {
  /** Condition over `input`, `task`, `variables` and `attempt`; absent: always. */
  readonly when?: Expression;
  readonly output: Template;
  readonly latencyMs: number;
  /** So many first attempts fail with a retryable error. */
  readonly failTimes: number;
}

export interface AgentDefinition {
  readonly name: string;
  readonly description?: string;
  readonly model: { readonly provider: string; readonly name: string };
  readonly config: { readonly temperature?: number; readonly maxOutputTokens?: number };
  readonly inputSchema?: Json;
  readonly outputSchema?: Json;
  /** A text template over `task`, `variables` and `input`. */
  readonly prompt: Template;
  /** Of the provider `scripted` only, and always there then. */
  readonly answers?: readonly ScriptedAnswer[];
  readonly timeoutMs?: number;
  /** SHA-256 of the source text, lower-case hex; put in by who stores the agent. */
  readonly digest?: string;
}
