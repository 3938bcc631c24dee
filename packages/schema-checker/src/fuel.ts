/**
 * The bound on work. Every loop whose length depends on the input spends from one tank; an empty tank ends the check as "unknown".
 */

/** Thrown inside the package only; the public functions turn it into "unknown". */
export class FuelExhausted extends Error {
  constructor() {
    super('the check needs more work than its limit allows');
    this.name = 'FuelExhausted';
  }
}

/** Steps that several checks share: each takes what it needs, and is given no more than is left. */
export interface StepBudget {
  stepsLeft: number;
}

export class Fuel {
  readonly #budget: StepBudget | undefined;
  #left: number;

  constructor(amount: number, budget?: StepBudget) {
    this.#left = budget === undefined ? amount : Math.min(amount, budget.stepsLeft);
    this.#budget = budget;
  }

  spend(amount = 1): void {
    this.#left -= amount;
    if (this.#budget !== undefined) this.#budget.stepsLeft -= amount;
    if (this.#left < 0) throw new FuelExhausted();
  }
}
