/**
 * What clients were told before the read model has it: whoever reads afterwards waits until it is there, so each client
 * reads its own writes, and those it was told of.
 */

/** A read model that is behind by more says so. */
const maxWaitMs = 5_000;

interface Waiting {
  readonly sequence: number;
  readonly end: (isKept: boolean) => void;
}

export class Promises {
  /** Of the stream. */
  #promised = 0;
  #applied = 0;
  #waiting: Waiting[] = [];

  /** Somebody is told of the event at this place of the stream. */
  promise(streamSequence: number): void {
    this.#promised = Math.max(this.#promised, streamSequence);
  }

  /** The read model has everything up to there. */
  keep(streamSequence: number): void {
    this.#applied = streamSequence;
    if (this.#waiting.length === 0) return;
    const kept = this.#waiting.filter(({ sequence }) => sequence <= streamSequence);
    if (kept.length === 0) return;
    this.#waiting = this.#waiting.filter(({ sequence }) => sequence > streamSequence);
    for (const { end } of kept) end(true);
  }

  /** The stream is another one. */
  forget(): void {
    this.#promised = 0;
    this.#applied = 0;
    for (const { end } of this.#waiting.splice(0)) end(false);
  }

  /** Resolves when everything that was promised until now is there; false where it does not come. */
  async areKept(): Promise<boolean> {
    const sequence = this.#promised;
    if (sequence <= this.#applied) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
        // The server may have lost it: the others are not made to wait for it, too.
        if (this.#promised === sequence) this.#promised = this.#applied;
        resolve(false);
      }, maxWaitMs);
      const waiting: Waiting = {
        sequence,
        end: (isKept) => {
          clearTimeout(timer);
          resolve(isKept);
        },
      };
      this.#waiting.push(waiting);
    });
  }
}
