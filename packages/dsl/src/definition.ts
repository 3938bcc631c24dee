/** A definition as JSON, as the author gave it: in the language's own spellings, valid, with no defaults written in. */
import type { ActionName, JoinMode, Json } from '@signalbox/engine';

export interface WorkflowDefinition extends ScopeDefinition {
  readonly id: string;
  readonly version?: string | number;
  readonly name?: string;
  readonly description?: string;
  readonly inputSchema?: Json;
  readonly outputSchema?: Json;
  readonly timeoutSeconds?: number;
  readonly onFailure?: 'fail' | 'rollback';
  readonly maxConcurrentRuns?: number;
  readonly maxEvents?: number;
  readonly maxStateVisits?: number;
  readonly maxFamilyRuns?: number;
  readonly triggers?: Json;
  readonly pins?: Json;
}

export interface ScopeDefinition {
  readonly start?: string;
  readonly states: readonly StateDefinition[];
  readonly output?: Json;
}

interface StateFields {
  readonly name: string;
  readonly description?: string;
  readonly checkpoint?: boolean | string;
}

interface ContinuingFields extends StateFields {
  readonly next?: string;
  readonly end?: true;
}

interface WritingFields extends ContinuingFields {
  readonly resultPath?: string;
}

export interface RetryDefinition {
  readonly maxAttempts?: number;
  readonly backoffSeconds?: number;
  readonly multiplier?: number;
  readonly maxBackoffSeconds?: number;
  readonly retryOn?: readonly string[];
  readonly abortOn?: readonly string[];
}

export interface CatchDefinition {
  readonly errors: readonly string[];
  readonly next: string;
  readonly resultPath?: string;
}

export interface ActionDefinition {
  readonly action: ActionName;
  readonly input: { readonly [field: string]: Json };
  readonly target?: 'worker' | 'agent';
}

export interface OperationDefinition extends WritingFields, ActionDefinition {
  readonly type: 'operation';
  readonly timeoutSeconds?: number;
  readonly retry?: RetryDefinition;
  readonly catch?: readonly CatchDefinition[];
  readonly optional?: boolean;
  readonly compensate?: ActionDefinition;
  readonly outputValidation?: 'warn' | 'strict';
}

export interface SwitchDefinition extends StateFields {
  readonly type: 'switch';
  readonly dataPath?: string;
  readonly conditions: readonly { readonly if: string; readonly next: string }[];
  readonly defaultNext?: string;
}

export interface ParallelDefinition extends WritingFields {
  readonly type: 'parallel';
  readonly branches: readonly (ScopeDefinition & { readonly name: string })[];
  readonly join?: { readonly mode: JoinMode };
  readonly maxConcurrency?: number;
  readonly catch?: readonly CatchDefinition[];
}

export interface ForeachDefinition extends WritingFields {
  readonly type: 'foreach';
  readonly itemsPath: string;
  readonly itemName?: string;
  readonly maxConcurrency?: number;
  readonly toleratedFailures?: number;
  readonly iterator: ScopeDefinition;
  readonly catch?: readonly CatchDefinition[];
}

export interface InjectDefinition extends WritingFields {
  readonly type: 'inject';
  readonly data: Json;
  readonly catch?: readonly CatchDefinition[];
}

export interface TransformDefinition extends WritingFields {
  readonly type: 'transform';
  readonly expression: string;
  readonly catch?: readonly CatchDefinition[];
}

export interface WaitDefinition extends ContinuingFields {
  readonly type: 'wait';
  readonly seconds?: number;
  readonly until?: string;
}

export interface SignalDefinition extends WritingFields {
  readonly type: 'signal';
  readonly signal: string;
  readonly timeoutSeconds?: number;
  readonly schema?: Json;
  readonly catch?: readonly CatchDefinition[];
}

export interface ChildWorkflowDefinition extends WritingFields {
  readonly type: 'workflow';
  readonly workflow: string;
  readonly input?: Json;
  readonly wait?: boolean;
  readonly catch?: readonly CatchDefinition[];
}

export type StateDefinition =
  | OperationDefinition
  | SwitchDefinition
  | ParallelDefinition
  | ForeachDefinition
  | InjectDefinition
  | TransformDefinition
  | WaitDefinition
  | SignalDefinition
  | ChildWorkflowDefinition;
