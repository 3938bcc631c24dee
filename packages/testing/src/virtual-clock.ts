/** Owns time in a test: it passes only when told to. */

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
}

export class VirtualClock {
  #nowAt: number;
  #setForwardMs = 0;
  #timers: Timer[] = [];

  /** Milliseconds since 1970. */
  constructor(startAt = Date.UTC(2025, 0, 1)) {
    this.#nowAt = startAt;
  }

  now(): number {
    return this.#nowAt + this.#setForwardMs;
  }

  monotonic(): number {
    return this.#nowAt;
  }

  worked(): number {
    return this.#nowAt;
  }

  /** Sets the wall clock, as an operator would: no time passes. Negative: back. */
  set(byMs: number): void {
    this.#setForwardMs += byMs;
  }

  setTimer(dueAt: number, callback: () => void): { cancel(): void } {
    // As the runtime's own timers: a delay, whatever happens to the wall clock meanwhile.
    const timer = { dueAt: dueAt - this.#setForwardMs, callback };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** The instant of the next timer. */
  get nextDueAt(): number | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map((timer) => timer.dueAt));
  }

  /** Runs the timers that come due, also those set meanwhile, in order of their instants; equal ones in the order in which they were set. */
  advance(byMs: number): void {
    const untilAt = this.#nowAt + byMs;
    for (let dueAt = this.nextDueAt; dueAt !== undefined && dueAt <= untilAt; dueAt = this.nextDueAt) {
      const timer = this.#timers.find((candidate) => candidate.dueAt === dueAt);
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#nowAt = Math.max(this.#nowAt, dueAt);
      timer?.callback();
    }
    this.#nowAt = untilAt;
  }
}
