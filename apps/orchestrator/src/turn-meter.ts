/**
 * How long turns take: what others on the event loop have to wait. The longest counts, and not the mean.
 *
 * The processor time says what the turn itself did, however busy the machine is with something else. It is the
 * process's, for Node gives none of a thread, and never more than the turn lasted: an upper bound of the turn's own.
 */
export interface TurnFigures {
  readonly count: number;
  readonly longestMs: number;
  readonly longestProcessorMs: number;
}

const none: TurnFigures = { count: 0, longestMs: 0, longestProcessorMs: 0 };
const rounded = (ms: number): number => Math.round(ms * 100) / 100;

export class TurnMeter {
  #figures = none;

  measure<T>(turn: () => T): T {
    const processor = process.cpuUsage();
    const from = performance.now();
    try {
      return turn();
    } finally {
      const ms = performance.now() - from;
      const { user, system } = process.cpuUsage(processor);
      const { count, longestMs, longestProcessorMs } = this.#figures;
      this.#figures = {
        count: count + 1,
        longestMs: Math.max(longestMs, rounded(ms)),
        longestProcessorMs: Math.max(longestProcessorMs, rounded(Math.min(ms, (user + system) / 1_000))),
      };
    }
  }

  /** Since the last `reset`. */
  get figures(): TurnFigures {
    return this.#figures;
  }

  reset(): void {
    this.#figures = none;
  }
}
