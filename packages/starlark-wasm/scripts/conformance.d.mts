export type StarlarkScore = {
  readonly total: number;
  readonly passed: number;
  readonly failed: readonly {
    readonly id: string;
    readonly expr: string;
    readonly expected: unknown;
    readonly actual: unknown;
  }[];
};

/** Scores the built package; `undefined` where there is no file of cases. */
export declare function scoreStarlark(file?: string): StarlarkScore | undefined;
