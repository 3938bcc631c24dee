/** What a trial has found: promises that were broken, and the figures. */
export interface Verdict {
  readonly name: string;
  readonly seed: number;
  readonly broken: readonly string[];
  readonly figures: Readonly<Record<string, number | string>>;
}

export interface Findings {
  /** A promise that does not hold; the same promise is listed once, with how often and the first examples. */
  broken(promise: string, example: string): void;
  figure(name: string, value: number | string): void;
  /** `broken` unless it holds. */
  expect(holds: boolean, promise: string, example: string | (() => string)): void;
  verdict(name: string, seed: number): Verdict;
}

const maxExamples = 3;

export const createFindings = (): Findings => {
  const broken = new Map<string, string[]>();
  const figures: Record<string, number | string> = {};
  const note = (promise: string, example: string): void => {
    broken.set(promise, [...(broken.get(promise) ?? []), example]);
  };
  return {
    broken: note,
    figure: (name, value) => {
      figures[name] = typeof value === 'number' ? Number(value.toFixed(1)) : value;
    },
    expect: (holds, promise, example) => {
      if (!holds) note(promise, typeof example === 'string' ? example : example());
    },
    verdict: (name, seed) => ({
      name,
      seed,
      broken: [...broken].map(
        ([promise, examples]) =>
          `${promise}: ${examples.length} times, such as ${examples.slice(0, maxExamples).join('; ')}`,
      ),
      figures,
    }),
  };
};

export const verdictText = (verdict: Verdict): string => {
  const lines = [
    `${verdict.broken.length === 0 ? 'kept  ' : 'BROKEN'} ${verdict.name} (seed ${verdict.seed})`,
    ...verdict.broken.map((promise) => `       - ${promise}`),
    ...Object.entries(verdict.figures).map(([name, value]) => `       ${name.padEnd(44)} ${value}`),
  ];
  return `${lines.join('\n')}\n`;
};

/** The value below which a share of the values lies; 0 of none. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
};
