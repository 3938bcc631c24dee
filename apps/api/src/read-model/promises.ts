/**
 * What clients were told before the read model has it: whoever reads afterwards waits until it is there, so each client
 * reads its own writes, and those it was told of. Where it is behind for longer than a moment nothing more is promised, and
 * clients are told when it has what they asked for: so those who write much wait, and not those who read.
 */

/** A read model that is behind by more says so. */
const maxWaitMs = 5_000;
/** Nothing is promised while something that was promised so long ago is not there. */
const maxBehindMs = 1_000;
/** Of two promises within this time the first stands for both. */
const oneAtATimeMs = 50;

interface Waiting {
  readonly sequence: number;
  readonly end: (isKept: boolean) => void;
}

export class Promises {
  /** Of the stream. */
  #promised = 0;
  #applied = 0;
  #waiting: Waiting[] = [];
  /** Of promises that are not kept, the oldest first; times on the monotonic clock. */
  #open: { readonly sequence: number; readonly at: number }[] = [];

  /** Somebody is to be told of the event at this place of the stream. False: not before it is applied. */
  promise(streamSequence: number): boolean {
    const now = performance.now();
    const oldest = this.#open[0];
    if (oldest !== undefined && now - oldest.at > maxBehindMs) return false;
    this.#promised = Math.max(this.#promised, streamSequence);
    const last = this.#open.at(-1);
    if (streamSequence > this.#applied && (last === undefined || now - last.at >= oneAtATimeMs))
      this.#open.push({ sequence: streamSequence, at: now });
    return true;
  }

  /** The read model has everything up to there. */
  keep(streamSequence: number): void {
    this.#applied = streamSequence;
    while (this.#open[0] !== undefined && this.#open[0].sequence <= streamSequence) this.#open.shift();
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
    this.#open = [];
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
        if (this.#promised === sequence) {
          this.#promised = this.#applied;
          this.#open = [];
        }
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
