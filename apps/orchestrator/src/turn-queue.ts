/**
 * When what waits is committed.
 *
 * 1. It is committed a part at a time. Between two parts the event loop has a turn of its own, and what has arrived
 *    meanwhile takes its place in the queue (`fair-queue.ts`): what one lane holds makes no other wait.
 * 2. Whether something is wanted still is asked when its turn has come: until then what is before it may change that.
 * 3. Nothing is committed while the publications of `maxUnpublishedTurns` are under way, and while any are only when there
 *    is enough for a full turn: what comes meanwhile shares one commit and one write to the bus.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FairQueue, type Lane, type Taken } from './fair-queue.js';

export interface TurnQueueParts<T> {
  readonly laneOf: (item: T) => Lane;
  readonly isWanted: (item: T) => boolean;
  /**
   * Commits as much as one turn takes, from the first on, and says what each has cost in milliseconds: at least one. One
   * call of `release` follows. What it throws stops the queue.
   */
  readonly commit: (items: readonly T[]) => readonly number[];
  /** What will not be committed any more. */
  readonly drop: (items: readonly T[]) => void;
  readonly fail: (cause: unknown) => void;
  readonly monotonic: () => number;
}

const maxUnpublishedTurns = 8;
/** About what a turn takes of short decisions. */
const fullTurnCount = 200;
/** What is taken and not decided in the turn is put back, which costs time: so it is twice what the last turn has decided. */
const minTakenCount = 16;
const maxTakenCount = 512;

export class TurnQueue<T> {
  readonly #parts: TurnQueueParts<T>;
  readonly #queue: FairQueue<T>;
  #takeCount = minTakenCount;
  #unpublishedCount = 0;
  #released: (() => void)[] = [];
  #isWorking = false;
  #isStopped = false;

  constructor(parts: TurnQueueParts<T>) {
    this.#parts = parts;
    this.#queue = new FairQueue(parts.laneOf, parts.monotonic);
  }

  /** Turns whose publications are under way. */
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
    if (this.#isWorking) {
      if (!this.#hasToWait) for (const go of this.#released.splice(0)) go();
      return;
    }
    if (this.#queue.count === 0) return;
    this.#work().catch((cause) => {
      this.#isWorking = false;
      this.stop();
      this.#parts.fail(cause);
    });
  }

  /** Resolves when everything that waits now is committed, or dropped. */
  passed(): Promise<void> {
    return this.#queue.passed();
  }

  /** What one turn has committed is published, or will not be. */
  release(): void {
    this.#unpublishedCount -= 1;
    for (const go of this.#released.splice(0)) go();
  }

  stop(): void {
    this.#isStopped = true;
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
      if (this.#isStopped || !this.#commitNext()) break;
    }
    this.#isWorking = false;
  }

  get #hasToWait(): boolean {
    if (this.#unpublishedCount >= maxUnpublishedTurns) return true;
    return this.#unpublishedCount > 0 && this.#queue.count < fullTurnCount;
  }

  /** False when nothing waits. */
  #commitNext(): boolean {
    for (;;) {
      const taken = this.#queue.take(this.#takeCount);
      if (taken.length === 0) return false;
      const wanted = this.#wantedOf(taken);
      if (wanted.length === 0) continue;
      this.#commit(wanted);
      this.#unpublishedCount += 1;
      return true;
    }
  }

  #wantedOf(taken: readonly Taken<T>[]): readonly Taken<T>[] {
    return taken.filter((one) => {
      const isWanted = this.#parts.isWanted(one.item);
      if (!isWanted) this.#queue.settle(one, 0);
      return isWanted;
    });
  }

  #commit(taken: readonly Taken<T>[]): void {
    let costs: readonly number[] = [];
    try {
      costs = this.#parts.commit(taken.map(({ item }) => item));
    } finally {
      this.#queue.putBack(taken.slice(costs.length));
    }
    this.#takeCount = Math.min(maxTakenCount, Math.max(minTakenCount, 2 * costs.length));
    for (const [index, cost] of costs.entries()) {
      const one = taken[index];
      if (one !== undefined) this.#queue.settle(one, cost);
    }
  }

  #nextRelease(): Promise<void> {
    return new Promise((resolve) => this.#released.push(resolve));
  }
}
