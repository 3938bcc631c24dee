/**
 * Whose turn it is to be committed.
 *
 * 1. What is to be committed waits in one queue and is committed in its order, a part at a time. Between two parts the
 *    event loop has a turn of its own, so that nothing waits for a long list but what stands behind it.
 * 2. What a list holds is asked for when it is first in the queue: until then the lists before it may change it.
 * 3. Nothing is committed while the publications of `maxUnpublishedTurns` are under way.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** What waits in the queue; asked once, when its turn has come. */
export type Take<T> = () => readonly T[];

interface Waiting<T> {
  readonly take: Take<T>;
  /** True when all of it is committed; false when the queue was stopped first. */
  readonly settle: (isCommitted: boolean) => void;
}

export interface TurnQueueParts<T> {
  /**
   * Commits as much as one turn takes, and returns the count: at least one. One call of `release` follows. What it throws
   * stops the queue.
   */
  readonly commit: (items: readonly T[]) => number;
  /** What will not be committed any more. */
  readonly drop: (items: readonly T[]) => void;
  readonly fail: (cause: unknown) => void;
}

const maxUnpublishedTurns = 8;

export class TurnQueue<T> {
  readonly #parts: TurnQueueParts<T>;
  #queue: Waiting<T>[] = [];
  /** Of the first in the queue. */
  #rest: readonly T[] = [];
  #unpublishedCount = 0;
  #released: (() => void)[] = [];
  #isWorking = false;
  #isStopped = false;

  constructor(parts: TurnQueueParts<T>) {
    this.#parts = parts;
  }

  /** Turns whose publications are under way. */
  get unpublishedCount(): number {
    return this.#unpublishedCount;
  }

  /** Lists of which something waits for its turn. */
  get waitingCount(): number {
    return this.#queue.length;
  }

  /** Resolves with true when everything of it is committed, with false when the queue was stopped before. */
  add(take: Take<T>): Promise<boolean> {
    if (this.#isStopped) return Promise.resolve(false);
    return new Promise((settle) => {
      this.#queue.push({ take, settle });
      if (this.#isWorking) return;
      this.#work().catch((cause) => {
        this.#isWorking = false;
        this.stop();
        this.#parts.fail(cause);
      });
    });
  }

  /** What one turn has committed is published, or will not be. */
  release(): void {
    this.#unpublishedCount -= 1;
    for (const go of this.#released.splice(0)) go();
  }

  stop(): void {
    this.#isStopped = true;
    for (const go of this.#released.splice(0)) go();
    if (!this.#isWorking) this.#dropAll();
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
      while (!this.#isStopped && this.#unpublishedCount >= maxUnpublishedTurns) await this.#nextRelease();
      if (this.#isStopped || !this.#commitNext()) break;
    }
    this.#isWorking = false;
    if (this.#isStopped) this.#dropAll();
  }

  /** False when nothing waits. */
  #commitNext(): boolean {
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined) return false;
      if (this.#rest.length === 0) this.#rest = first.take();
      if (this.#rest.length > 0) {
        const count = this.#parts.commit(this.#rest);
        this.#unpublishedCount += 1;
        this.#rest = this.#rest.slice(count);
        if (this.#rest.length === 0) this.#settleFirst();
        return true;
      }
      this.#settleFirst();
    }
  }

  #settleFirst(): void {
    this.#queue.shift()?.settle(true);
  }

  #dropAll(): void {
    this.#parts.drop(this.#rest);
    this.#rest = [];
    for (const { settle } of this.#queue.splice(0)) settle(false);
  }

  #nextRelease(): Promise<void> {
    return new Promise((resolve) => this.#released.push(resolve));
  }
}
