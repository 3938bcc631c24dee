/**
 * How much is done at once, in processor time: what others on the event loop have to wait for where the machine has
 * nothing else to do. By the wall clock alone a busy machine would do less and less at once, and each beginning and
 * end costs the more.
 *
 * Linux says a thread's processor time up to the length of a tick late; elsewhere the wall clock counts.
 */
import type { Clock } from './clock.js';

export interface WorkLimit {
  readonly ms: number;
  /** The processor may be away for so many times as long as the work lasts. */
  readonly maxStretch: number;
}

/** Of one turn in all: decisions, rows, commit. */
export const wholeTurn: WorkLimit = { ms: 12, maxStretch: 4 };
/** Where somebody makes room for others. */
export const shortTurn: WorkLimit = { ms: 4, maxStretch: 2 };

export type WorkClock = Pick<Clock, 'monotonic' | 'worked'>;

export class Work {
  readonly #clock: WorkClock;
  readonly #beganAt: number;
  readonly #workedBefore: number;
  readonly #limit: WorkLimit;
  /** Before that it cannot be enough. */
  #lookAt: number;
  #enoughAfterMs: number | undefined;

  /** Begins now. */
  constructor(clock: WorkClock, limit: WorkLimit) {
    this.#clock = clock;
    this.#beganAt = clock.monotonic();
    this.#workedBefore = clock.worked();
    this.#limit = limit;
    this.#lookAt = this.#beganAt + limit.ms;
  }

  get isEnough(): boolean {
    const now = this.#clock.monotonic();
    if (now < this.#lookAt) return false;
    const spentMs = this.processorMs;
    const { ms, maxStretch } = this.#limit;
    const leftMs = ms - spentMs;
    if (leftMs > 0 && now - this.#beganAt < maxStretch * ms) {
      this.#lookAt = now + leftMs;
      return false;
    }
    this.#enoughAfterMs ??= spentMs;
    return true;
  }

  /** Of the processor, when it was found to be enough; undefined where it never was. */
  get enoughAfterMs(): number | undefined {
    return this.#enoughAfterMs;
  }

  get wallMs(): number {
    return this.#clock.monotonic() - this.#beganAt;
  }

  get processorMs(): number {
    return this.#clock.worked() - this.#workedBefore;
  }
}
