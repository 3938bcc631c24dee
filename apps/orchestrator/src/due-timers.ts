/**
 * Which of the timers that have come due may fire, and which messages have to wait for one.
 *
 * 1. A message counts from when the stream stored it: stored before a timer of its run was due, it wins against the
 *    timer, whenever it is handled; stored after that it loses, and waits until the timer has fired.
 * 2. So a timer that a message could have made needless fires only when everything that was stored up to its
 *    instant has been seen. The others (a wait, a back-off, a turn) fire at once.
 * 3. Messages of one run are released in stream order.
 */
import type { TimerPurpose } from '@signalbox/engine';
import type { RunKey } from '@signalbox/protocol';
import type { Timer } from './store/timer-store.js';
import type { Timers } from './timers.js';

export interface Holdable {
  readonly runKey: RunKey | undefined;
  /** In the stream. */
  readonly sequence: number;
  readonly storedAt: number;
}

const isContested = ({ kind }: TimerPurpose): boolean => {
  switch (kind) {
    case 'step_timeout':
    case 'run_timeout':
    case 'approval_expiry':
    case 'signal_timeout':
      return true;
    case 'retry_due':
    case 'wait_over':
    case 'yield_over':
    case 'interrupted':
      return false;
  }
};

export class DueTimers<T extends Holdable> {
  readonly #timers: Timers;
  #free: Timer[] = [];
  /** The earliest first. */
  #contested: Timer[] = [];
  #firstDueAt = new Map<RunKey | undefined, number>();
  #held: T[] = [];
  /** By run: the first number that is held. */
  #heldFrom = new Map<RunKey | undefined, number>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Whether a timer waits for messages that were stored before it was due. */
  get isWaiting(): boolean {
    return this.#contested.length > 0;
  }

  /** Whether a timer has come due that waits for nothing. */
  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  /** Looks at what has come due by now. What it finds is for the next `takeRipe`. */
  collect(now: number): void {
    for (const timer of this.#timers.takeDue(now, Number.POSITIVE_INFINITY)) {
      if (!isContested(timer.purpose)) {
        this.#free.push(timer);
        continue;
      }
      this.#contested.push(timer);
      const { runKey, dueAt } = timer;
      this.#firstDueAt.set(runKey, Math.min(dueAt, this.#firstDueAt.get(runKey) ?? dueAt));
    }
  }

  /** True when the message has to wait; it comes back by `takeReleased`. */
  hold(message: T): boolean {
    const { runKey, sequence } = message;
    if (runKey === undefined || (this.#firstDueAt.size === 0 && this.#heldFrom.size === 0)) return false;
    const heldFrom = this.#heldFrom.get(runKey);
    const isBehindHeld = heldFrom !== undefined && sequence > heldFrom;
    if (!isBehindHeld && !this.#comesTooLate(message)) return false;
    this.#held.push(message);
    this.#heldFrom.set(runKey, Math.min(sequence, heldFrom ?? sequence));
    return true;
  }

  /** The timers that may fire when everything stored up to `horizonAt` has been seen. */
  takeRipe(horizonAt: number, maxCount: number): Timer[] {
    const free = this.#free.splice(0, maxCount).filter((timer) => this.#timers.isSet(timer));
    if (free.length > 0 || this.#contested.length === 0) return free;
    const wanted = this.#contested.filter((timer) => this.#timers.isSet(timer));
    const ripe = wanted.filter(({ dueAt }) => dueAt <= horizonAt).slice(0, maxCount);
    if (ripe.length === 0 && wanted.length === this.#contested.length) return ripe;
    const taken = new Set(ripe);
    this.#contested = wanted.filter((timer) => !taken.has(timer));
    return ripe;
  }

  /** To be called when what was ripe is committed. */
  settle(): void {
    this.#firstDueAt = new Map();
    for (const { runKey, dueAt } of this.#contested) {
      this.#firstDueAt.set(runKey, Math.min(dueAt, this.#firstDueAt.get(runKey) ?? dueAt));
    }
  }

  get hasReleased(): boolean {
    return this.#held.some((message) => {
      const { runKey, sequence } = message;
      return sequence === this.#heldFrom.get(runKey) && !this.#comesTooLate(message);
    });
  }

  /** Messages that have waited long enough, in stream order. */
  takeReleased(maxCount: number): T[] {
    if (this.#held.length === 0) return [];
    const stay = new Set<RunKey | undefined>();
    const released: T[] = [];
    const rest: T[] = [];
    for (const message of this.#held.sort((a, b) => a.sequence - b.sequence)) {
      const { runKey } = message;
      if (released.length >= maxCount || stay.has(runKey) || this.#comesTooLate(message)) {
        stay.add(runKey);
        rest.push(message);
      } else released.push(message);
    }
    this.#held = rest;
    this.#heldFrom = new Map();
    for (const { runKey, sequence } of rest.toReversed()) this.#heldFrom.set(runKey, sequence);
    return released;
  }

  #comesTooLate({ storedAt, runKey }: T): boolean {
    const dueAt = this.#firstDueAt.get(runKey);
    return dueAt !== undefined && storedAt >= dueAt;
  }
}
