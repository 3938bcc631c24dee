/**
 * How much is done at once, in processor time: what others on the event loop have to wait for where the machine has
 * nothing else to do. By the wall clock alone a busy machine would do less and less at once, and each beginning and
 * end costs the more.
 *
 * Linux says a thread's processor time up to the length of a tick late; elsewhere the wall clock counts.
 */
import type { Clock } from './clock.js';

/** Of one turn of decisions; writing rows and committing come on top. */
export const maxTurnMs = 16;
/** The processor may be away for so many times as long as the work lasts. */
const maxStretch = 4;

export type WorkClock = Pick<Clock, 'monotonic' | 'worked'>;

export class Work {
  readonly #clock: WorkClock;
  readonly #beganAt: number;
  readonly #workedBefore: number;
  readonly #limitMs: number;
  /** Before that it cannot be enough. */
  #lookAt: number;

  /** Begins now. */
  constructor(clock: WorkClock, limitMs: number) {
    this.#clock = clock;
    this.#beganAt = clock.monotonic();
    this.#workedBefore = clock.worked();
    this.#limitMs = limitMs;
    this.#lookAt = this.#beganAt + limitMs;
  }

  get isEnough(): boolean {
    const now = this.#clock.monotonic();
    if (now < this.#lookAt) return false;
    const leftMs = this.#limitMs - this.processorMs;
    if (leftMs <= 0 || now - this.#beganAt >= maxStretch * this.#limitMs) return true;
    this.#lookAt = now + leftMs;
    return false;
  }

  get wallMs(): number {
    return this.#clock.monotonic() - this.#beganAt;
  }

  get processorMs(): number {
    return this.#clock.worked() - this.#workedBefore;
  }
}
