/**
 * The Plan: what the engine runs. `packages/dsl` makes it from a workflow definition after validation.
 *
 * 1. A plan is plain JSON: it can be stored, sent and compared.
 * 2. Every default of the language is written out; the engine knows none.
 * 3. Aliases, paths and templates are resolved: the engine parses no text of an author.
 */
import type { Json } from './json.js';

/** A parsed path such as `steps.check.items[0]`; a leading `ctx.` or `$.` is gone. Empty: the whole context. */
export type Path = readonly (string | number)[];

/** Source text of one Starlark expression, its syntax checked. */
export type Expression = string;

/** A JSON value in which strings may hold `{{ expressions }}`. */
export type Template =
  | { readonly kind: 'literal'; readonly value: Json }
  /** A string that is exactly one `{{ … }}`: keeps the value's type. */
  | { readonly kind: 'expression'; readonly expression: Expression }
  /** Text with expressions: strings go in as they are, other values as compact JSON. */
  | { readonly kind: 'text'; readonly parts: readonly TextPart[] }
  | { readonly kind: 'object'; readonly fields: readonly (readonly [key: string, value: Template])[] }
  | { readonly kind: 'list'; readonly items: readonly Template[] };

export type TextPart = { readonly text: string } | { readonly expression: Expression };

export interface Plan {
  readonly id: string;
  /** The author's label, not the stored version number. */
  readonly version: string;
  readonly name: string;
  readonly inputSchema?: Json;
  readonly outputSchema?: Json;
  readonly timeoutMs?: number;
  readonly onFailure: 'fail' | 'rollback';
  readonly maxConcurrentRuns?: number;
  /** Lower the limits that a run has anyway. */
  readonly maxEvents?: number;
  readonly maxStateVisits?: number;
  readonly maxFamilyRuns?: number;
  readonly root: ScopePlan;
  /** Names of the agents that operations name as plain text, sorted, each once. */
  readonly agents: readonly string[];
}

export interface ScopePlan {
  readonly start: string;
  readonly states: { readonly [name: string]: StatePlan };
  /** What the scope hands to its parent instead of its writes; of the root: the run's output. */
  readonly output?: Template;
}

/** What an operation does. */
export type ActionName = 'agent.run' | 'human.approval' | 'tool.call' | 'llm.chat' | 'document.render';

/** What a step does: an action of the author's, or the evaluation of a state's expressions. */
export type StepAction = ActionName | 'expression.evaluate';

interface StateBase {
  readonly name: string;
  readonly checkpoint?: string;
}

interface Continuing extends StateBase {
  /** The following state of the same scope; null ends the scope. */
  readonly next: string | null;
}

interface Writing extends Continuing {
  readonly resultPath: Path;
}

export interface OperationPlan extends Writing {
  readonly type: 'operation';
  readonly action: ActionName;
  readonly input: Template;
  readonly target: 'worker' | 'agent';
  readonly timeoutMs?: number;
  readonly retry: RetryPolicy;
  readonly catch: readonly CatchClause[];
  readonly optional: boolean;
  readonly outputValidation: 'warn' | 'strict';
  readonly compensate?: CompensationPlan;
  /** `agent.run` with neither `task` nor `variables`: the previous step's output becomes `variables`. */
  readonly takesPreviousOutput: boolean;
}

export interface CompensationPlan {
  readonly action: ActionName;
  readonly input: Template;
  readonly target: 'worker' | 'agent';
}

export interface SwitchPlan extends StateBase {
  readonly type: 'switch';
  readonly dataPath?: Path;
  readonly conditions: readonly { readonly if: Expression; readonly next: string }[];
  readonly defaultNext?: string;
}

export type JoinMode = 'all' | 'any' | 'settled';

export interface ParallelPlan extends Writing {
  readonly type: 'parallel';
  readonly branches: readonly { readonly name: string; readonly scope: ScopePlan }[];
  readonly join: JoinMode;
  readonly maxConcurrency: number;
  readonly catch: readonly CatchClause[];
}

export interface ForeachPlan extends Writing {
  readonly type: 'foreach';
  readonly itemsPath: Path;
  readonly itemName: string;
  readonly maxConcurrency: number;
  readonly toleratedFailures: number;
  readonly iterator: ScopePlan;
  readonly catch: readonly CatchClause[];
}

export interface InjectPlan extends Writing {
  readonly type: 'inject';
  readonly data: Template;
  readonly catch: readonly CatchClause[];
}

export interface TransformPlan extends Writing {
  readonly type: 'transform';
  /** A Starlark program: the value of its last expression, or of its `main(ctx)`. */
  readonly script: string;
  readonly catch: readonly CatchClause[];
}

export interface WaitPlan extends Continuing {
  readonly type: 'wait';
  readonly until: { readonly delayMs: number } | { readonly instant: Template };
}

export interface SignalPlan extends Writing {
  readonly type: 'signal';
  readonly signal: string;
  readonly timeoutMs?: number;
  readonly schema?: Json;
  readonly catch: readonly CatchClause[];
}

export interface ChildWorkflowPlan extends Writing {
  readonly type: 'workflow';
  readonly workflow: string;
  readonly input: Template;
  /** False: started and forgotten; the result is `{ run_id }`. */
  readonly waits: boolean;
  readonly catch: readonly CatchClause[];
}

export type StatePlan =
  | OperationPlan
  | SwitchPlan
  | ParallelPlan
  | ForeachPlan
  | InjectPlan
  | TransformPlan
  | WaitPlan
  | SignalPlan
  | ChildWorkflowPlan;

/** Retry policy, with Temporal's words; `maxAttempts` counts the first attempt too. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly multiplier: number;
  readonly maxBackoffMs: number;
  /** When given, only these codes are retried. */
  readonly retryOn?: readonly string[];
  readonly abortOn?: readonly string[];
}

export interface CatchClause {
  /** Error codes; `*` matches every code. */
  readonly errors: readonly string[];
  readonly next: string;
  readonly resultPath?: Path;
}
