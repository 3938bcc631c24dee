/**
 * What one batch has brought about and has to be told to others after the commit. Filled inside the transaction,
 * used only when that has committed.
 */
import type { RunKey, WireMessage } from '@signalbox/protocol';
import {
  type MessageEntry,
  messageEntry,
  type OutboxEntry,
  type OutboxStore,
  type PublishedMarks,
} from './store/outbox-store.js';
import type { Timer, TimerStore } from './store/timer-store.js';

export type TimerChange =
  | { readonly kind: 'set'; readonly timer: Timer }
  | { readonly kind: 'cancel'; readonly runKey: RunKey; readonly timerId: string }
  | { readonly kind: 'cancel_all'; readonly runKey: RunKey };

/** Goes out after the commit: first the entries (somebody waits for the tasks), then the events. */
export interface Publication {
  readonly entries: readonly OutboxEntry[];
  readonly events: readonly WireMessage[];
  /** What is published once all of this and all before it is. */
  readonly marks: PublishedMarks;
}

export class Changes {
  readonly events: WireMessage[] = [];
  readonly entries: OutboxEntry[] = [];
  readonly timerChanges: TimerChange[] = [];
  readonly #outbox: OutboxStore;
  readonly #timers: TimerStore;
  /** By run: the ids, or all of them. */
  readonly #changedTimers = new Map<RunKey, Set<string> | 'all'>();

  constructor(outbox: OutboxStore, timers: TimerStore) {
    this.#outbox = outbox;
    this.#timers = timers;
  }

  send(entry: OutboxEntry): void {
    this.#outbox.add(entry);
    this.entries.push(entry);
  }

  /** The task of a step has no row of its own: the row of its open step stands for it (`in-flight.ts`). */
  dispatch(task: MessageEntry): void {
    this.entries.push(task);
  }

  /** A fact that waits in the outbox with its whole text: of the catalog, or a notice of no history. */
  announce(message: WireMessage): void {
    this.send(messageEntry(message));
  }

  setTimer(timer: Timer): void {
    this.#timers.set(timer);
    this.timerChanges.push({ kind: 'set', timer });
    this.#noteTimer(timer.runKey, timer.timerId);
  }

  cancelTimer(runKey: RunKey, timerId: string): void {
    this.#timers.cancel(runKey, timerId);
    this.timerChanges.push({ kind: 'cancel', runKey, timerId });
    this.#noteTimer(runKey, timerId);
  }

  cancelTimers(runKey: RunKey): void {
    this.#timers.cancelAll(runKey);
    this.timerChanges.push({ kind: 'cancel_all', runKey });
    this.#changedTimers.set(runKey, 'all');
  }

  /** It was cancelled or set anew by what came before it in this transaction: it is not to fire any more. */
  hasChangedTimer({ runKey, timerId }: Timer): boolean {
    const changed = this.#changedTimers.get(runKey);
    return changed === 'all' || changed?.has(timerId) === true;
  }

  #noteTimer(runKey: RunKey, timerId: string): void {
    const changed = this.#changedTimers.get(runKey);
    if (changed === undefined) this.#changedTimers.set(runKey, new Set([timerId]));
    else if (changed !== 'all') changed.add(timerId);
  }
}
