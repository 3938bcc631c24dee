/**
 * How long turns take: what others on the event loop have to wait. The longest counts, and not the mean.
 *
 * The processor time says what the turn itself did, however busy the machine is with something else; it is known up to
 * the length of a tick, and the figure is the upper bound.
 */
import { Work, type WorkClock } from './work.js';

const tickMs = 4;

export interface TurnFigures {
  readonly count: number;
  readonly longestMs: number;
  readonly longestProcessorMs: number;
}

const none: TurnFigures = { count: 0, longestMs: 0, longestProcessorMs: 0 };
const rounded = (ms: number): number => Math.round(ms * 100) / 100;

export class TurnMeter {
  readonly #clock: WorkClock;
  #figures = none;

  constructor(clock: WorkClock) {
    this.#clock = clock;
  }

  /** The turn is given its own work, limited to so many milliseconds. */
  measure<T>(limitMs: number, turn: (work: Work) => T): T {
    const work = new Work(this.#clock, limitMs);
    try {
      return turn(work);
    } finally {
      const ms = work.wallMs;
      const processorMs = ms <= tickMs ? ms : Math.min(ms, work.processorMs + tickMs);
      const { count, longestMs, longestProcessorMs } = this.#figures;
      this.#figures = {
        count: count + 1,
        longestMs: Math.max(longestMs, rounded(ms)),
        longestProcessorMs: Math.max(longestProcessorMs, rounded(processorMs)),
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
