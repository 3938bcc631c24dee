/** What one expression may use. Steps and the size of the value are enforced in `go/evaluate.go`, memory by the
 * maximum that `scripts/build-wasm.mjs` writes into the module, time by `go-instance.ts`. */
export const expressionLimits = {
  maxSteps: 100_000,
  maxMemoryBytes: 64 * 1024 * 1024,
  /** Of processor time. */
  maxDurationMs: 250,
  maxResultBytes: 16 * 1024 * 1024,
  /** UTF-16 units of source text. */
  maxSourceLength: 65_536,
} as const;
