/** What `decide` may ask of the outside. All of it is synchronous and, for equal arguments, answers the same. */
import type { StepErrorCode } from './error.js';
import type { Instant, RunLimits } from './event.js';
import type { Json } from './json.js';
import type { Plan } from './plan.js';

/** What is read of a value: `true`, anything; otherwise these fields and nothing else. */
export type Reads = true | { readonly [field: string]: Reads };

/**
 * Value of a free name, or undefined where there is none. Asked only for the names that the expression uses. Where
 * `reads` is given the value may lack what is not in it, so that asking for one field of a large context is cheap.
 */
export type Lookup = (name: string, reads?: Reads) => Json | undefined;

export type Evaluation =
  | { readonly ok: true; readonly value: Json }
  | {
      readonly ok: false;
      readonly code: Extract<StepErrorCode, 'EXPRESSION_ERROR' | 'EXPRESSION_LIMIT' | 'PAYLOAD_TOO_LARGE'>;
      readonly message: string;
    };

export interface Evaluator {
  readonly expression: (source: string, lookup: Lookup) => Evaluation;
  readonly script: (source: string, lookup: Lookup) => Evaluation;
}

/** In bytes of JSON, which are counted in `decide`: what is larger fails where it is made. */
export interface Limits {
  /** Of what a state or a scope gives, and of a run's output. */
  readonly resultBytes: number;
  /** Of what a run, a step or a child run is given, what a signal carries, and what an approval shows. */
  readonly inputBytes: number;
}

/** One expression or script of an author. */
export interface Question {
  readonly kind: 'expression' | 'script';
  readonly source: string;
}

/**
 * The budget does not suffice. `later`: a decision with a budget of its own may do better. `never`: the question takes
 * more than any decision has.
 */
export interface OverBudget {
  readonly ok: false;
  readonly code: 'OVER_BUDGET';
  readonly fits: 'later' | 'never';
}

/** Evaluates within what one decision may spend. Made anew for each decision. */
export interface Budget {
  /** What one question may read: more takes long to hand over, whatever is done with it. */
  readonly maxReadBytes: number;
  readonly attempt: (question: Question, lookup: Lookup) => Evaluation | OverBudget;
  /** The names that a question reads, and what of each. */
  readonly namesOf: (question: Question) => readonly { readonly name: string; readonly reads: Reads }[];
}

export interface World {
  readonly now: Instant;
  readonly plan: Plan;
  readonly limits: Limits;
  /** What a run may take where its workflow says nothing; a workflow may lower it. */
  readonly runLimits: RunLimits;
  /** Child runs that the family of a root run has ordered before this decision. */
  readonly childRunCount: (rootRunId: string) => number;
  readonly budget: Budget;
  /** SHA-256 of the UTF-8 text, lower-case hex. The core has no cryptography of its own. */
  readonly digest: (text: string) => string;
  /** How a value breaks a JSON Schema, in words; empty where it does not. */
  readonly violations: (schema: Json, value: Json) => readonly string[];
}
