/** What one expression may use. Steps and the size of the value are enforced in `go/evaluate.go`, memory by the
 * maximum that `scripts/build-wasm.mjs` writes into the module, fuel by the countdown that it writes into every loop. */
export const expressionLimits = {
  maxSteps: 100_000,
  maxMemoryBytes: 64 * 1024 * 1024,
  /** What `sum(range(…))` does in 250 ms on the machine of the benchmark: see `fuelPerMs`. */
  maxFuel: 40_000_000,
  maxResultBytes: 16 * 1024 * 1024,
  /** UTF-16 units of source text. */
  maxSourceLength: 65_536,
} as const;

/**
 * How fuel compares with processor time, as `node scripts/bench.mjs` prints it: between 140,000 (comprehensions, very
 * large numbers) and 320,000 (searches in text) a millisecond, 160,000 to 180,000 for plain loops.
 * Nothing is measured at run time: a limit in fuel is the same everywhere.
 */
export const fuelPerMs = 160_000;

/** What the host does for an evaluation and the module's countdown does not see: JSON in and out, and the call itself. */
export const hostFuel = { perByte: 2, perCall: 2_000 } as const;
