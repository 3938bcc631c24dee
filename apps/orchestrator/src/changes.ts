/**
 * What one batch has brought about and has to be told to others after the commit. Filled inside the transaction,
 * used only when that has committed.
 */
import type { WireMessage } from '@signalbox/protocol';
import {
  messageEntry,
  type OutboxEntry,
  type OutboxStore,
  type PublishedMarks,
} from './store/outbox-store.js';
import type { Timer, TimerStore } from './store/timer-store.js';

export type TimerChange =
  | { readonly kind: 'set'; readonly timer: Timer }
  | { readonly kind: 'cancel'; readonly runId: string; readonly timerId: string }
  | { readonly kind: 'cancel_all'; readonly runId: string };

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
  readonly #changedTimers = new Map<string, Set<string> | 'all'>();

  constructor(outbox: OutboxStore, timers: TimerStore) {
    this.#outbox = outbox;
    this.#timers = timers;
  }

  send(entry: OutboxEntry): void {
    this.#outbox.add(entry);
    this.entries.push(entry);
  }

  /** A fact that waits in the outbox with its whole text: of the catalog, or a notice of no history. */
  announce(message: WireMessage): void {
    this.send(messageEntry(message));
  }

  setTimer(timer: Timer): void {
    this.#timers.set(timer);
    this.timerChanges.push({ kind: 'set', timer });
    this.#noteTimer(timer.runId, timer.timerId);
  }

  cancelTimer(runId: string, timerId: string): void {
    this.#timers.cancel(runId, timerId);
    this.timerChanges.push({ kind: 'cancel', runId, timerId });
    this.#noteTimer(runId, timerId);
  }

  cancelTimers(runId: string): void {
    this.#timers.cancelAll(runId);
    this.timerChanges.push({ kind: 'cancel_all', runId });
    this.#changedTimers.set(runId, 'all');
  }

  /** It was cancelled or set anew by what came before it in this transaction: it is not to fire any more. */
  hasChangedTimer({ runId, timerId }: Timer): boolean {
    const changed = this.#changedTimers.get(runId);
    return changed === 'all' || changed?.has(timerId) === true;
  }

  #noteTimer(runId: string, timerId: string): void {
    const changed = this.#changedTimers.get(runId);
    if (changed === undefined) this.#changedTimers.set(runId, new Set([timerId]));
    else if (changed !== 'all') changed.add(timerId);
  }
}
