/**
 * How long turns take: what others on the event loop have to wait. The longest counts, and not the mean.
 *
 * The processor time says what the turn itself did, however busy the machine is with something else; it is known up to
 * the length of a tick, and the figure is the upper bound.
 *
 * What a turn decides has to be written and committed, which takes a multiple of the time of some decisions: a loop that
 * does nothing but go round, say. So a turn decides for that part of its time that the turns before it have
 * decided for.
 */
import { Work, type WorkClock, type WorkLimit } from './work.js';

const tickMs = 4;
const minDecidingShare = 0.2;
/** How much one turn counts against all before it. */
const learning = 0.25;

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
  /** Of the time of a turn, what goes into decisions. */
  #decidingShare = 1;

  constructor(clock: WorkClock) {
    this.#clock = clock;
  }

  /** The turn is given its own work, limited so that it takes about so much in all. */
  measure<T>({ ms: limitMs, maxStretch }: WorkLimit, turn: (work: Work) => T): T {
    const work = new Work(this.#clock, { ms: limitMs * this.#decidingShare, maxStretch });
    try {
      return turn(work);
    } finally {
      const ms = work.wallMs;
      this.#learn(work);
      const processorMs = ms <= tickMs ? ms : Math.min(ms, work.processorMs + tickMs);
      const { count, longestMs, longestProcessorMs } = this.#figures;
      this.#figures = {
        count: count + 1,
        longestMs: Math.max(longestMs, rounded(ms)),
        longestProcessorMs: Math.max(longestProcessorMs, rounded(processorMs)),
      };
    }
  }

  #learn(work: Work): void {
    const decidedMs = work.enoughAfterMs;
    if (decidedMs === undefined) return;
    const share = Math.min(
      1,
      Math.max(minDecidingShare, decidedMs / Math.max(work.processorMs, decidedMs, tickMs)),
    );
    this.#decidingShare += (share - this.#decidingShare) * learning;
  }

  /** Since the last `reset`. */
  get figures(): TurnFigures {
    return this.#figures;
  }

  reset(): void {
    this.#figures = none;
  }
}
