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

export class Fuel {
  #left: number;

  constructor(amount: number) {
    this.#left = amount;
  }

  spend(amount = 1): void {
    this.#left -= amount;
    if (this.#left < 0) throw new FuelExhausted();
  }
}
