/**
 * Which attempts this process has in hand, and what became of those it has finished: asked before an attempt is
 * executed, because a server that was killed may deliver again what was acknowledged.
 *
 * 1. An attempt that is being executed is never executed beside itself.
 * 2. Of finished attempts the newest results are kept, up to `maxKeptBytes` and `maxKeptCount`: their word is given again,
 *    not their work.
 */
import type { StepTask, WireMessage } from '@signalbox/protocol';

/** How the work on an attempt ended: its result is stored, nobody wanted one, or it goes to somebody else. */
export type AttemptEnd = 'reported' | 'unwanted' | 'given_back';

export interface FinishedAttempt extends Pick<StepTask, 'workspace' | 'runId' | 'stepId' | 'attempt'> {
  readonly result: WireMessage;
  readonly at: number;
}

const maxKeptBytes = 16 * 1024 * 1024;
const maxKeptCount = 10_000;

export class Attempts {
  readonly #inHand = new Map<string, Promise<AttemptEnd>>();
  /** By idempotency key, in two generations: an order of all of them would cost more than to keep them. */
  #finished = new Map<string, FinishedAttempt>();
  #finishedBefore: ReadonlyMap<string, FinishedAttempt> = new Map();
  /** Of the results in `#finished`. */
  #bytes = 0;
  /** By idempotency key: the last beginning that was reported, and from which nothing has come. */
  readonly #reportedBegun = new Map<string, string>();

  inHand(key: string): Promise<AttemptEnd> | undefined {
    return this.#inHand.get(key);
  }

  get keysInHand(): readonly string[] {
    return [...this.#inHand.keys()];
  }

  /** Works on the attempt, or joins the work that is under way. */
  async hold(key: string, work: () => Promise<AttemptEnd>): Promise<AttemptEnd> {
    const underWay = this.#inHand.get(key);
    if (underWay !== undefined) return underWay;
    const working = work();
    this.#inHand.set(key, working);
    try {
      return await working;
    } finally {
      this.#inHand.delete(key);
    }
  }

  /** Gives the beginning that was reported before, where nothing has come from it: it counts no more. */
  reportBegun(key: string, beginning: string): string | undefined {
    const before = this.#reportedBegun.get(key);
    this.#reportedBegun.delete(key);
    this.#reportedBegun.set(key, beginning);
    for (const oldest of this.#reportedBegun.keys()) {
      if (this.#reportedBegun.size <= maxKeptCount) break;
      this.#reportedBegun.delete(oldest);
    }
    return before;
  }

  /** It is executed, or nobody wants it any more. */
  noteBegun(key: string): void {
    this.#reportedBegun.delete(key);
  }

  resultOf(key: string): WireMessage | undefined {
    return (this.#finished.get(key) ?? this.#finishedBefore.get(key))?.result;
  }

  /** What was finished after an instant. */
  finishedSince(at: number): FinishedAttempt[] {
    const all = [...new Map([...this.#finishedBefore, ...this.#finished]).values()];
    return all.filter((each) => each.at > at);
  }

  keep(task: StepTask, result: WireMessage, at: number): void {
    const { idempotencyKey, workspace, runId, stepId, attempt } = task;
    this.#finished.set(idempotencyKey, { result, at, workspace, runId, stepId, attempt });
    this.#bytes += result.data.length;
    if (this.#bytes < maxKeptBytes / 2 && this.#finished.size < maxKeptCount / 2) return;
    this.#finishedBefore = this.#finished;
    this.#finished = new Map();
    this.#bytes = 0;
  }
}
