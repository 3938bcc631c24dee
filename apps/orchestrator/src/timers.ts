/**
 * Which timer is due next. The database holds every timer; this holds the same in memory, so that waking up costs
 * no query and no index.
 *
 * 1. It follows committed changes only.
 * 2. Cancelled timers leave the heap when they are half of it: most timeouts are cancelled long before they are due.
 * 3. A timer that was handed out stays until its handling has committed its end; until then it is not handed out again.
 */
import type { RunKey } from '@signalbox/protocol';
import type { TimerChange } from './changes.js';
import type { Timer } from './store/timer-store.js';

interface Entry {
  timer: Timer;
  isLive: boolean;
  /** Out of the heap. */
  isTaken: boolean;
}

const minSweepCount = 1_024;

export class Timers {
  #heap: Entry[] = [];
  #deadCount = 0;
  readonly #byRun = new Map<RunKey, Map<string, Entry>>();

  constructor(timers: readonly Timer[]) {
    for (const timer of timers) this.#set(timer);
  }

  apply(changes: readonly TimerChange[]): void {
    for (const change of changes) {
      if (change.kind === 'set') this.#set(change.timer);
      else if (change.kind === 'cancel') this.#drop(change.runKey, change.timerId);
      else
        for (const timerId of [...(this.#byRun.get(change.runKey)?.keys() ?? [])])
          this.#drop(change.runKey, timerId);
    }
  }

  /** Entries that memory holds, cancelled ones too. */
  get heldCount(): number {
    return this.#heap.length;
  }

  /** Of runs that can go on without anything from outside. */
  turns(): Timer[] {
    return this.#heap.flatMap(({ timer, isLive }) =>
      isLive && (timer.purpose.kind === 'yield_over' || timer.purpose.kind === 'interrupted') ? [timer] : [],
    );
  }

  /** Instant of the earliest timer that has not been handed out. */
  nextDueAt(): number | undefined {
    while (this.#heap[0]?.isLive === false) {
      this.#pop();
      this.#deadCount -= 1;
    }
    return this.#heap[0]?.timer.dueAt;
  }

  /** Whether exactly this timer is still wanted: it was neither cancelled nor set anew. */
  isSet(timer: Timer): boolean {
    return this.#byRun.get(timer.runKey)?.get(timer.timerId)?.timer === timer;
  }

  /** The wall clock was set back by so much: what was to come in three seconds still comes in three seconds. */
  bringForward(ms: number): void {
    for (const entry of this.#heap) entry.timer = { ...entry.timer, dueAt: entry.timer.dueAt - ms };
  }

  /** Hands out what is due, the earliest first. */
  takeDue(now: number, maxCount: number): Timer[] {
    const due: Timer[] = [];
    while (due.length < maxCount) {
      const dueAt = this.nextDueAt();
      if (dueAt === undefined || dueAt > now) break;
      const entry = this.#pop();
      if (entry === undefined) break;
      entry.isTaken = true;
      due.push(entry.timer);
    }
    return due;
  }

  #set(timer: Timer): void {
    this.#drop(timer.runKey, timer.timerId);
    const entry = { timer, isLive: true, isTaken: false };
    const ofRun = this.#byRun.get(timer.runKey) ?? new Map<string, Entry>();
    ofRun.set(timer.timerId, entry);
    this.#byRun.set(timer.runKey, ofRun);
    this.#push(entry);
  }

  #drop(runKey: RunKey, timerId: string): void {
    const ofRun = this.#byRun.get(runKey);
    const entry = ofRun?.get(timerId);
    if (ofRun === undefined || entry === undefined) return;
    entry.isLive = false;
    ofRun.delete(timerId);
    if (ofRun.size === 0) this.#byRun.delete(runKey);
    if (!entry.isTaken) this.#deadCount += 1;
    if (this.#deadCount > minSweepCount && this.#deadCount * 2 > this.#heap.length) this.#sweep();
  }

  #sweep(): void {
    const live = this.#heap.filter(({ isLive }) => isLive);
    this.#heap = [];
    this.#deadCount = 0;
    for (const entry of live) this.#push(entry);
  }

  #dueAt(index: number): number {
    return this.#heap[index]?.timer.dueAt ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#heap[a], this.#heap[b]];
    if (left === undefined || right === undefined) return;
    this.#heap[a] = right;
    this.#heap[b] = left;
  }

  #push(entry: Entry): void {
    let index = this.#heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#dueAt(parent) <= this.#dueAt(index)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #pop(): Entry | undefined {
    const last = this.#heap.length - 1;
    this.#swap(0, last);
    const top = this.#heap.pop();
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const smaller = this.#dueAt(left + 1) < this.#dueAt(left) ? left + 1 : left;
      if (this.#dueAt(smaller) >= this.#dueAt(index)) return top;
      this.#swap(index, smaller);
      index = smaller;
    }
  }
}
