/** What a check thread is asked and answers. All of it can be cloned. */
import type { Issue } from '@signalbox/dsl';
import type { SchemaVerdict } from './schema-check.js';

/** An agent or workflow that a definition may refer to. Equal digests stand for equal texts. */
export interface KnownItem {
  readonly name: string;
  readonly digest: string;
  /** What a thread that does not know the digest reads. */
  readonly text: () => string;
}

/** What the workspace holds; what is left out is not checked. */
export interface KnownItems {
  /** `source`: texts as authors wrote them. `stored`: an agent's definition, or a workflow's schemas, as JSON. */
  readonly form: 'source' | 'stored';
  readonly agents: readonly KnownItem[];
  readonly workflows: readonly KnownItem[];
  /** Names of agents that cannot be read, each with why. */
  readonly unusableAgents?: readonly (readonly [name: string, problem: string])[];
}

export type Question =
  | { readonly kind: 'value'; readonly schema: string; readonly value: string }
  | { readonly kind: 'workflow'; readonly source: string; readonly known?: KnownItems }
  | { readonly kind: 'agent'; readonly source: string; readonly name: string }
  | { readonly kind: 'teams'; readonly source: string };

interface Findings {
  readonly ok: false;
  readonly errors: readonly Issue[];
}

export type CheckedWorkflow =
  | {
      readonly ok: true;
      readonly id: string;
      readonly name: string;
      readonly label: string;
      readonly description?: string;
      /** JSON. */
      readonly plan: string;
      readonly warnings: readonly Issue[];
    }
  | (Findings & { readonly warnings: readonly Issue[] });

export type CheckedAgent = { readonly ok: true /** JSON. */; readonly definition: string } | Findings;

export type CheckedTeams =
  | { readonly ok: true; readonly teams: Readonly<Record<string, readonly string[]>> }
  | Findings;

export interface AnswerOf {
  readonly value: SchemaVerdict;
  readonly workflow: CheckedWorkflow;
  readonly agent: CheckedAgent;
  readonly teams: CheckedTeams;
}

export interface SentItem {
  readonly name: string;
  readonly digest: string;
  readonly text?: string;
}

export interface SentItems {
  readonly form: KnownItems['form'];
  readonly agents: readonly SentItem[];
  readonly workflows: readonly SentItem[];
  readonly unusableAgents?: KnownItems['unusableAgents'];
}

export type ThreadRequest =
  | Exclude<Question, { kind: 'workflow' }>
  | { readonly kind: 'workflow'; readonly source: string; readonly known?: SentItems };

export type ThreadReply =
  /** `threadId`: as the system counts threads, where it says. */
  | { readonly kind: 'ready'; readonly threadId?: number | undefined }
  /** The limit begins anew. */
  | { readonly kind: 'progress' }
  | { readonly kind: 'answered'; readonly answer: AnswerOf[keyof AnswerOf] }
  /** Items were named without their texts, and the thread does not have them (any more). */
  | { readonly kind: 'unknown_items' }
  | { readonly kind: 'threw'; readonly reason: string };
