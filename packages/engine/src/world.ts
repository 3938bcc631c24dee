/** What `decide` may ask of the outside. All of it is synchronous and, for equal arguments, answers the same. */
import type { StepErrorCode } from './error.js';
import type { Instant } from './event.js';
import type { Json } from './json.js';
import type { Plan } from './plan.js';

/** Value of a free name, or undefined where there is none. Asked only for the names that the expression uses. */
export type Lookup = (name: string) => Json | undefined;

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

export interface World {
  readonly now: Instant;
  readonly plan: Plan;
  readonly evaluate: Evaluator;
  /** SHA-256 of the UTF-8 text, lower-case hex. The core has no cryptography of its own. */
  readonly digest: (text: string) => string;
}
