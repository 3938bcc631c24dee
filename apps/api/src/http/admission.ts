/**
 * Lets requests in as they come, and one after the other where many come at once: a thousand connections that open together
 * would otherwise be answered in a row, before anything else has its turn.
 *
 * Requests for different places take turns (`turns.ts`), so who asks for what nobody else wants is hardly held up.
 */
import { Turns } from './turns.js';

/** What is let in at once in one round of the event loop. */
const maxMs = 4;

export class Admission {
  readonly #turns = new Turns();
  #spentMs = 0;
  #waitingCount = 0;

  /** Calls `answer` now, or when its turn comes. */
  admit(place: string, answer: () => void): void {
    if (this.#waitingCount === 0 && this.#spentMs < maxMs) {
      const from = performance.now();
      answer();
      this.#spend(performance.now() - from);
      return;
    }
    this.#waitingCount += 1;
    void this.#turns.run(place, () => {
      this.#waitingCount -= 1;
      answer();
    });
  }

  #spend(ms: number): void {
    if (this.#spentMs === 0)
      setImmediate(() => {
        this.#spentMs = 0;
      });
    this.#spentMs += ms;
  }
}
