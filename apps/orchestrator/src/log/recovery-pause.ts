/**
 * How long to wait before the log is published again when that did not help: a server with a damaged store may take
 * messages that it cannot give back, and each time would only make the log longer.
 */
const firstPauseMs = 10_000;
const maxPauseMs = 600_000;

export class RecoveryPause {
  #count = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** How often the log has been published again without a look between that found it whole. */
  get count(): number {
    return this.#count;
  }

  /** Whether it may be tried at this instant of a monotonic clock, in milliseconds. */
  isOver(now: number): boolean {
    return now >= this.#until;
  }

  /** On a connection that is new, that it did not help before says nothing of the server that is there now. */
  begin(now: number, isNewConnection = false): void {
    if (isNewConnection) this.end();
    this.#until = now + Math.min(firstPauseMs * 2 ** this.#count, maxPauseMs);
    this.#count += 1;
  }

  /** The log was found whole. */
  end(): void {
    this.#count = 0;
    this.#until = Number.NEGATIVE_INFINITY;
  }
}
