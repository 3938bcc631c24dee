/**
 * What one decision of the orchestrator may evaluate.
 *
 * 1. A budget is fuel; compiling and JSON are paid from it as evaluating is. What does not fit is not answered.
 * 2. A question that did not fit into a whole budget is not tried again for a while: one that never fits would cost a
 *    whole budget each time. By then its data may be others.
 */
import { fuelPerMs, hostFuel } from './limits.js';
import type { Json, Reads } from './scope.js';
import type { EvaluateResult, Program, Starlark } from './starlark.js';

/** About 2 ms. */
export const decisionFuel = 2 * fuelPerMs;

type Question = Pick<Program, 'kind' | 'source'>;
type Lookup = (name: string, reads?: Reads) => Json | undefined;
type OverBudget = { readonly ok: false; readonly code: 'OVER_BUDGET'; readonly fits: 'later' | 'never' };

/** Fits the engine's interface of the same name. */
export interface Budget {
  /** JSON of which the budget could not pay for. */
  readonly maxReadBytes: number;
  readonly attempt: (question: Question, lookup: Lookup) => EvaluateResult | OverBudget;
  readonly namesOf: (question: Question) => readonly { readonly name: string; readonly reads: Reads }[];
}

/** Questions that did not fit, and how often each is still not tried. */
const skipsAfterFailure = 1_000;
const maxRemembered = 1_000;

/** Gives a budget for each decision; they share what is known of questions that do not fit. */
export const createBudgets = (starlark: Starlark, maxFuel: number = decisionFuel): (() => Budget) => {
  const heavy = new Map<string, number>();
  return () => new Spending(starlark, maxFuel, heavy);
};

class Spending implements Budget {
  readonly maxReadBytes: number;
  readonly #starlark: Starlark;
  readonly #maxFuel: number;
  readonly #heavy: Map<string, number>;
  #left: number;
  /** What is asked of a worker has used the budget up; to find out what it reads there is another. */
  #leftForNames: number;

  constructor(starlark: Starlark, maxFuel: number, heavy: Map<string, number>) {
    this.maxReadBytes = Math.ceil(maxFuel / hostFuel.perByte);
    this.#starlark = starlark;
    this.#maxFuel = maxFuel;
    this.#heavy = heavy;
    this.#left = maxFuel;
    this.#leftForNames = maxFuel;
  }

  attempt({ kind, source }: Question, lookup: Lookup): EvaluateResult | OverBudget {
    const key = `${kind} ${source}`;
    if (this.#isKnownHeavy(key)) return over('never');
    const isWhole = this.#left === this.#maxFuel;
    const measured = this.#starlark.evaluateWithin(kind, source, lookup, this.#left);
    this.#left = Math.max(0, this.#left - measured.fuel);
    if (!measured.isOver) return measured.result;
    this.#left = 0;
    if (!isWhole) return over('later');
    this.#remember(key);
    return over('never');
  }

  namesOf({ kind, source }: Question): readonly { readonly name: string; readonly reads: Reads }[] {
    if (this.#leftForNames <= 0) return namesInText(source);
    const { names, fuel } = this.#starlark.namesWithin(kind, source, this.#leftForNames);
    this.#leftForNames -= fuel;
    return names ?? namesInText(source);
  }

  #isKnownHeavy(key: string): boolean {
    const skips = this.#heavy.get(key);
    if (skips === undefined) return false;
    if (skips <= 1) this.#heavy.delete(key);
    else this.#heavy.set(key, skips - 1);
    return true;
  }

  #remember(key: string): void {
    this.#heavy.set(key, skipsAfterFailure);
    if (this.#heavy.size <= maxRemembered) return;
    for (const oldest of this.#heavy.keys()) {
      this.#heavy.delete(oldest);
      return;
    }
  }
}

const over = (fits: OverBudget['fits']): OverBudget => ({ ok: false, code: 'OVER_BUDGET', fits });

/** Of a text that takes too much to compile here: whatever looks like a name. */
const namesInText = (source: string): readonly { readonly name: string; readonly reads: Reads }[] =>
  [...new Set(source.match(/[A-Za-z_]\w*/g) ?? [])].map((name) => ({ name, reads: true }));
