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

/** Whole budgets that a batch has: about 10 ms. */
const decisionsPerBatch = 5;

interface Shared {
  /** Questions that did not fit, and how often each is still not tried. */
  readonly heavy: Map<string, number>;
  batchLeft: number;
}

const skipsAfterFailure = 1_000;
const maxRemembered = 1_000;

export interface Budgets {
  /** For the next decision. */
  readonly newBudget: () => Budget;
  /** Decisions from here on are made in one go with one another, and no more with those before. */
  readonly beginBatch: () => void;
}

/**
 * Gives a budget for each decision; they share what is known of questions that do not fit, and what a batch of them may
 * spend together: with many runs at once it is workers who evaluate.
 */
export const createBudgets = (starlark: Starlark, maxFuel: number = decisionFuel): Budgets => {
  const shared: Shared = { heavy: new Map(), batchLeft: maxFuel * decisionsPerBatch };
  return {
    newBudget: () => new Spending(starlark, maxFuel, shared),
    beginBatch: () => {
      shared.batchLeft = maxFuel * decisionsPerBatch;
    },
  };
};

class Spending implements Budget {
  readonly maxReadBytes: number;
  readonly #starlark: Starlark;
  readonly #maxFuel: number;
  readonly #shared: Shared;
  #left: number;
  /** What is asked of a worker has used the budget up; to find out what it reads there is another. */
  #leftForNames: number;

  constructor(starlark: Starlark, maxFuel: number, shared: Shared) {
    this.maxReadBytes = Math.ceil(maxFuel / hostFuel.perByte);
    this.#starlark = starlark;
    this.#maxFuel = maxFuel;
    this.#shared = shared;
    this.#left = Math.min(maxFuel, shared.batchLeft);
    this.#leftForNames = maxFuel;
  }

  attempt({ kind, source }: Question, lookup: Lookup): EvaluateResult | OverBudget {
    const key = `${kind} ${source}`;
    if (this.#isKnownHeavy(key)) return over('never');
    if (this.#left === 0) return over('later');
    const isWhole = this.#left === this.#maxFuel;
    const measured = this.#starlark.evaluateWithin(kind, source, lookup, this.#left);
    this.#spend(measured.fuel);
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

  #spend(fuel: number): void {
    this.#left = Math.max(0, this.#left - fuel);
    this.#shared.batchLeft = Math.max(0, this.#shared.batchLeft - fuel);
  }

  #isKnownHeavy(key: string): boolean {
    const { heavy } = this.#shared;
    const skips = heavy.get(key);
    if (skips === undefined) return false;
    if (skips <= 1) heavy.delete(key);
    else heavy.set(key, skips - 1);
    return true;
  }

  #remember(key: string): void {
    this.#shared.heavy.set(key, skipsAfterFailure);
    if (this.#shared.heavy.size <= maxRemembered) return;
    for (const oldest of this.#shared.heavy.keys()) {
      this.#shared.heavy.delete(oldest);
      return;
    }
  }
}

const over = (fits: OverBudget['fits']): OverBudget => ({ ok: false, code: 'OVER_BUDGET', fits });

/** Of a text that takes too much to compile here: whatever looks like a name. */
const namesInText = (source: string): readonly { readonly name: string; readonly reads: Reads }[] =>
  [...new Set(source.match(/[A-Za-z_]\w*/g) ?? [])].map((name) => ({ name, reads: true }));
