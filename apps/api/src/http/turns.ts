/**
 * Lets many readers work without holding up anybody else: their jobs run one after the other, a few in each round of
 * the event loop, and between two rounds everything else has its turn.
 */

/** What a round may take before the rest waits for the next. */
const maxRoundMs = 4;
/** Each job is followed by a write to a socket that is not counted in its time. */
const maxJobsPerRound = 32;

export class Turns {
  #waiting: (() => void)[] = [];
  #isScheduled = false;
  #isClosed = false;

  /** Runs the job when its turn comes; rejects with what it throws. */
  run<T>(job: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return;
      this.#waiting.push(() => {
        try {
          resolve(job());
        } catch (error) {
          reject(error);
        }
      });
      this.#schedule();
    });
  }

  /** What waits is forgotten: whoever asked is gone, and what it would read is about to be closed. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#round();
      this.#schedule();
    });
  }

  #round(): void {
    const deadline = performance.now() + maxRoundMs;
    let count = 0;
    for (const job of this.#waiting) {
      if (count === maxJobsPerRound || (count > 0 && performance.now() >= deadline)) break;
      count += 1;
      job();
    }
    this.#waiting = this.#waiting.slice(count);
  }
}
