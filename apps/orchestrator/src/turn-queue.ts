/**
 * When what waits is committed.
 *
 * 1. It is committed a part at a time. Between two parts the event loop has a turn of its own, and what has arrived
 *    meanwhile takes its place in the queue (`fair-queue.ts`): what one lane holds makes no other wait.
 * 2. Whether something is wanted still is asked when its turn has come: until then what is before it may change that.
 * 3. Turns that follow one another make a round, which is published together: one wait for the disk and one write to
 *    the bus for all of them. A round ends when nothing more waits, or when it has lasted for `maxRound`.
 * 4. No round begins while the publications of `maxUnpublishedRounds` are under way, and while any are only when there
 *    is enough for one of its own: what comes meanwhile shares one.
 * 5. Where all that waits is of few families of many runs, rounds are short and go one after the other: whoever comes
 *    next stands before them in the queue, and what they have under way is all that stands before it on the bus. The same
 *    where somebody makes room for others (`reserve.ts`), and turns are short then.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FairQueue, type Lane, type Taken } from './fair-queue.js';
import { shortTurn, Work, type WorkClock, type WorkLimit, wholeTurn } from './work.js';

export interface TurnQueueParts<T> {
  readonly laneOf: (item: T) => Lane;
  readonly isWanted: (item: T) => boolean;
  /**
   * Commits as much as a turn of that length takes: at least one, and each that it takes from the iterator. Says
   * what each has cost in milliseconds. What it throws stops the queue.
   */
  readonly commit: (items: Iterable<T>, limit: WorkLimit) => readonly number[];
  /** Publishes what the turns since the last call have committed. One call of `release` follows. */
  readonly publish: () => void;
  /** What will not be committed any more. */
  readonly drop: (items: readonly T[]) => void;
  readonly fail: (cause: unknown) => void;
  readonly clock: WorkClock;
  /** Calls back after so many milliseconds. */
  readonly wait: (ms: number, callback: () => void) => { cancel(): void };
}

const maxUnpublishedRounds = 4;
/** What its first turn has committed waits for so long to be published, and for the length of a turn. */
const maxRound: WorkLimit = { ms: 32, maxStretch: 4 };
const ownRoundCount = 16;

export class TurnQueue<T> {
  readonly #parts: TurnQueueParts<T>;
  readonly #queue: FairQueue<T>;
  #unpublishedCount = 0;
  #released: (() => void)[] = [];
  /** Until those that pause may go on. */
  #pause: { cancel(): void } | undefined;
  #isWorking = false;
  #isStopped = false;

  constructor(parts: TurnQueueParts<T>) {
    this.#parts = parts;
    this.#queue = new FairQueue(parts.laneOf, () => parts.clock.monotonic());
  }

  /** Rounds whose publications are under way. */
  get unpublishedCount(): number {
    return this.#unpublishedCount;
  }

  get waitingCount(): number {
    return this.#queue.count;
  }

  /** `first`: before what waits in the same lane. */
  add(items: readonly T[], place: 'last' | 'first' = 'last'): void {
    if (this.#isStopped) {
      this.#parts.drop(items);
      return;
    }
    this.#queue.add(items, place);
    this.#begin();
  }

  #begin(): void {
    if (this.#isWorking) {
      if (!this.#hasToWait) for (const go of this.#released.splice(0)) go();
      return;
    }
    if (this.#queue.readyCount === 0) return;
    this.#work().catch((cause) => {
      this.#isWorking = false;
      this.stop();
      this.#parts.fail(cause);
    });
  }

  #pauseWhereOneHasTo(): void {
    const { goesOnAt } = this.#queue;
    if (this.#pause !== undefined || goesOnAt === undefined || this.#isStopped) return;
    this.#pause = this.#parts.wait(goesOnAt - this.#parts.clock.monotonic(), () => {
      this.#pause = undefined;
      this.#queue.goOn();
      this.#begin();
    });
  }

  /** Resolves when everything that waits now is committed, or dropped. */
  passed(): Promise<void> {
    return this.#queue.passed();
  }

  /** What one round has committed is published, or will not be. Returns how many others are under way. */
  release(): number {
    this.#unpublishedCount -= 1;
    for (const go of this.#released.splice(0)) go();
    return this.#unpublishedCount;
  }

  stop(): void {
    this.#isStopped = true;
    this.#pause?.cancel();
    for (const go of this.#released.splice(0)) go();
    this.#parts.drop(this.#queue.takeAll());
  }

  /** Resolves when no publication is under way. */
  async settled(): Promise<void> {
    while (this.#unpublishedCount > 0) await this.#nextRelease();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let isFirst = true; !this.#isStopped; isFirst = false) {
      // What has arrived meanwhile, acknowledgements and timers too, comes before the next turn.
      if (!isFirst) await nextTurn();
      while (!this.#isStopped && this.#hasToWait) await this.#nextRelease();
      if (this.#isStopped) break;
      await this.#round();
      // Looked at last: whoever comes while this is working begins nothing, even where nothing was wanted of what was there.
      if (this.#queue.readyCount === 0) break;
    }
    this.#isWorking = false;
  }

  get #hasToWait(): boolean {
    if (this.#unpublishedCount >= maxUnpublishedRounds) return true;
    return this.#unpublishedCount > 0 && (this.#queue.readyCount < ownRoundCount || this.#areRoundsShort);
  }

  get #areRoundsShort(): boolean {
    return this.#queue.isCrowded || this.#queue.isReserving;
  }

  async #round(): Promise<void> {
    if (!this.#commitNext()) return;
    this.#unpublishedCount += 1;
    try {
      const work = this.#queue.readyCount > 0 ? new Work(this.#parts.clock, maxRound) : undefined;
      while (this.#queue.readyCount > 0 && work?.isEnough === false && !this.#areRoundsShort) {
        await nextTurn();
        if (this.#isStopped || !this.#commitNext()) break;
      }
    } finally {
      this.#parts.publish();
    }
  }

  /** False when nothing waits. */
  #commitNext(): boolean {
    const { clock, commit } = this.#parts;
    const beganAt = clock.monotonic();
    const first = this.#takeWanted();
    this.#pauseWhereOneHasTo();
    if (first === undefined) return false;
    const taken: Taken<T>[] = [];
    try {
      const limit = this.#queue.isReserving ? shortTurn : wholeTurn;
      const costs = commit(this.#wanted(first, taken), limit);
      const now = clock.monotonic();
      const costMs = costs.reduce((sum, each) => sum + each, 0);
      const stretch = costMs > 0 ? (now - beganAt) / costMs : 1;
      for (const [index, one] of taken.entries()) {
        const spentMs = costs[index] ?? 0;
        this.#queue.settle(one, spentMs, now, spentMs * stretch);
      }
      this.#pauseWhereOneHasTo();
    } catch (cause) {
      this.#parts.drop(taken.map(({ item }) => item));
      throw cause;
    }
    return true;
  }

  *#wanted(first: Taken<T>, taken: Taken<T>[]): Iterable<T> {
    for (let one: Taken<T> | undefined = first; one !== undefined; one = this.#takeWanted()) {
      taken.push(one);
      yield one.item;
    }
  }

  #takeWanted(): Taken<T> | undefined {
    for (;;) {
      const one = this.#queue.take();
      if (one === undefined || this.#parts.isWanted(one.item)) return one;
      this.#parts.drop([one.item]);
      this.#queue.settle(one, 0);
    }
  }

  #nextRelease(): Promise<void> {
    return new Promise((resolve) => this.#released.push(resolve));
  }
}
