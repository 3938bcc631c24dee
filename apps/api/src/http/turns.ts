/**
 * Lets many readers work without holding up anybody else: their jobs run one after the other, a few in each round of
 * the event loop, and between two rounds everything else has its turn. Runs take turns, too: who reads one waits for one
 * reader of each other run that is being read, however many readers those have.
 */

/** What a round may take before the rest waits for the next. */
const maxRoundMs = 4;
/** Each job is followed by a write to a socket that is not counted in its time. */
const maxJobsPerRound = 32;

export class Turns {
  /** By run, in the order in which they have their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #isScheduled = false;
  #isClosed = false;

  /** Runs the job when its turn comes; rejects with what it throws. */
  run<T>(runId: string, job: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return;
      this.#add(runId, () => {
        try {
          resolve(job());
        } catch (error) {
          reject(error);
        }
      });
      this.#schedule();
    });
  }

  #add(runId: string, job: () => void): void {
    const jobs = this.#waiting.get(runId);
    if (jobs === undefined) this.#waiting.set(runId, [job]);
    else jobs.push(job);
  }

  /** What waits is forgotten: whoever asked is gone, and what it would read is about to be closed. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#round();
      this.#schedule();
    });
  }

  #round(): void {
    const deadline = performance.now() + maxRoundMs;
    for (let count = 0; this.#waiting.size > 0 && count < maxJobsPerRound; count += 1) {
      if (count > 0 && performance.now() >= deadline) return;
      this.#takeNext()?.();
    }
  }

  /** The run that it is of stands last now. */
  #takeNext(): (() => void) | undefined {
    const [next] = this.#waiting;
    if (next === undefined) return undefined;
    const [runId, jobs] = next;
    const job = jobs.shift();
    this.#waiting.delete(runId);
    if (jobs.length > 0) this.#waiting.set(runId, jobs);
    return job;
  }
}
