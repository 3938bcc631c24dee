/** What `decide` may ask of the outside. All of it is synchronous and, for equal arguments, answers the same. */
import type { StepErrorCode } from './error.js';
import type { Instant } from './event.js';
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
      readonly code: Extract<StepErrorCode, 'EXPRESSION_ERROR' | 'EXPRESSION_LIMIT'>;
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

export interface World {
  readonly now: Instant;
  readonly plan: Plan;
  readonly limits: Limits;
  readonly evaluate: Evaluator;
  /** SHA-256 of the UTF-8 text, lower-case hex. The core has no cryptography of its own. */
  readonly digest: (text: string) => string;
  /** How a value breaks a JSON Schema, in words; empty where it does not. */
  readonly violations: (schema: Json, value: Json) => readonly string[];
}
