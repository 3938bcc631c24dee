/**
 * The loop: messages and due timers go through the write path, then out through the relay, and are acknowledged.
 *
 * 1. A delivery is settled only when what follows from it, and from everything committed before it, is published
 *    (`publishing.ts`).
 * 2. Everything that is committed waits for its turn (`turn-queue.ts`), in the lane of its run: what comes first into a lane
 *    is decided first, and what other lanes hold makes nobody wait for long.
 * 3. Timers fire when what was stored before them has been taken in (`due-timers.ts`), and by the wall clock: it is
 *    looked at once a second at least, and what it is set back by makes nobody wait longer.
 * 4. While a consumer that was made anew catches up, messages of runs are handled in the order of the stream, whichever
 *    consumer delivers them (`stream-order.ts`).
 * 5. What stays undecided is parked until its answer is there, then comes again, with all that stands behind it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Delivery, TransientError } from '@signalbox/messaging';
import type { OrchestratorFigures } from '@signalbox/protocol';
import { type Arrived, arrived } from './arrived.js';
import type { CatalogOrder } from './catalog/catalog-order.js';
import type { Clock } from './clock.js';
import { DueTimers } from './due-timers.js';
import type { Horizon } from './horizon.js';
import { type Item, Parking } from './parking.js';
import { Publishing } from './publishing.js';
import type { Relay } from './relay.js';
import type { CommitSync } from './store/commit-sync.js';
import { StreamOrder } from './stream-order.js';
import type { Timers } from './timers.js';
import type { TurnMeter } from './turn-meter.js';
import { TurnQueue } from './turn-queue.js';
import type { BatchInput } from './wire/input-codec.js';
import type { Work } from './work.js';
import type { WritePath } from './write-path.js';

export interface IntakeParts {
  readonly writePath: WritePath;
  readonly sync: Pick<CommitSync, 'durable' | 'durableNow'>;
  readonly relay: Relay;
  readonly timers: Timers;
  readonly horizon: Horizon;
  readonly order: CatalogOrder;
  readonly clock: Clock;
  readonly meter: TurnMeter;
  /** Called when the wall clock was set back by so much. */
  readonly setBack: (ms: number) => void;
  /** Called when something is published, and what had brought it is settled. */
  readonly tell: () => void;
  /** Called with what nobody handles; the process must end. */
  readonly fail: (cause: unknown) => void;
}

const nothing = (): void => undefined;

/** Of reading messages at a stretch. */
const maxDecodeMs = 8;
/** Timers and messages that are moved at once. */
const maxPerMove = 500;
const defaultGraceMs = 5_000;
/** How often the wall clock is looked at while a timer is set, and the stream is asked while one waits for it. */
const recheckMs = 1_000;
const askAgainMs = 250;
/** A wall clock that goes a little slower than the monotonic one is being adjusted, not set. */
const minSetBackMs = 250;

export class Intake {
  readonly #parts: IntakeParts;
  readonly #due: DueTimers<Arrived>;
  readonly #streamOrder = new StreamOrder<Arrived>();
  readonly #parking = new Parking((lane) => this.#resume(lane));
  readonly #turns: TurnQueue<Item>;
  readonly #publishing: Publishing;
  #batchDone: (() => void)[] = [];
  #wake: { readonly at: number; cancel(): void } | undefined;
  #firing: Promise<void> | undefined;
  #lookedAt: { readonly wall: number; readonly monotonic: number };
  #askedAt: number | undefined;
  #hasStarted = false;
  #isStopped = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#due = new DueTimers(parts.timers);
    this.#turns = new TurnQueue({
      laneOf: ({ input }) => parts.writePath.laneOf(input),
      isWanted: ({ input }) => this.#isWanted(input),
      clock: parts.clock,
      commit: (items, limit) => parts.meter.measure(limit, (work) => this.#commit(items, work)),
      publish: () => this.#publishing.publishRound(),
      drop: (items) => {
        for (const { giveBack } of items) giveBack();
      },
      wait: (ms, callback) => parts.clock.setTimer(parts.clock.now() + ms, callback),
      fail: (cause) => {
        this.#isStopped = true;
        parts.fail(cause);
      },
    });
    this.#publishing = new Publishing({
      ...parts,
      markPublished: (marks) => parts.writePath.markPublished(marks),
      isAlone: () => this.#turns.waitingCount === 0 && this.#turns.unpublishedCount <= 1,
      release: () => this.#turns.release() > 0,
    });
    this.#lookedAt = { wall: parts.clock.now(), monotonic: parts.clock.monotonic() };
  }

  /** Resolves when everything that is stored by now has been taken in; from then on timers fire. */
  async start(): Promise<void> {
    this.#due.collect(this.#parts.clock.now());
    await this.takeIn();
    this.#hasStarted = true;
    this.#fire();
  }

  /** Resolves when everything that is stored by now has been taken in, or when it was stopped. */
  async takeIn(): Promise<void> {
    const until = this.#parts.clock.now();
    while (!this.#isStopped && this.#seenUpTo < until) await this.#seeMore();
    await this.#turns.passed();
  }

  /** What has arrived, or come due, and is not committed and published yet. */
  get waiting(): OrchestratorFigures['waiting'] {
    return {
      inputs: this.#turns.waitingCount,
      parked: this.#parking.count,
      unpublishedRounds: this.#turns.unpublishedCount,
      withdrawals: this.#parts.relay.withdrawalCount,
    };
  }

  /** Everything that was stored up to this instant has its place in a lane. */
  get #seenUpTo(): number {
    return Math.min(this.#parts.horizon.at, this.#streamOrder.heldFrom - 1);
  }

  /** Gives the deliveries their places; resolves when the next may come. They are decided and settled later. */
  async handle(deliveries: readonly Delivery[]): Promise<void> {
    const items = await this.#decoded(deliveries);
    if (this.#isStopped) return;
    const now = this.#parts.clock.now();
    const { horizon, order } = this.#parts;
    for (const delivery of deliveries) horizon.note(delivery, now);
    for (const item of items) order.delivered(item);
    this.#streamOrder.add(items);
    this.#enterOrdered();
  }

  /** Large messages take their time, and others have a turn meanwhile. */
  async #decoded(deliveries: readonly Delivery[]): Promise<readonly Arrived[]> {
    const { clock } = this.#parts;
    const items: Arrived[] = [];
    let from = clock.monotonic();
    for (const delivery of deliveries) {
      items.push(arrived(delivery, clock.now()));
      if (clock.monotonic() - from < maxDecodeMs) continue;
      await nextTurn();
      from = clock.monotonic();
    }
    return items;
  }

  /** To be called before a consumer delivers anew; what it delivers is put into order until it has caught up. */
  beginAnew(consumer: string): void {
    this.#parts.order.beginAnew(consumer);
    if (!this.#parts.horizon.forget(consumer)) return;
    this.#askedAt = undefined;
    this.#catchUp().catch((cause) => this.#parts.fail(cause));
  }

  /** What a consumer is on its way to may go from the stream meanwhile: asked until all have arrived, nothing is held for ever. */
  async #catchUp(): Promise<void> {
    while (!this.#isStopped && !this.#parts.horizon.hasArrived) await this.#seeMore();
  }

  /** What is in order, and waits for no timer. */
  #enterOrdered(): void {
    this.#due.collect(this.#parts.clock.now());
    const items = this.#streamOrder.take(this.#parts.horizon.deliveredUpTo);
    this.#enter(items.filter((item) => !this.#due.hold(item)));
    if (this.#due.isWaiting || this.#due.hasFree) this.#fire();
  }

  /**
   * Commits inputs that came by another way than a delivery; resolves when each has had its turn and what follows is
   * published: with false when it was stopped first, or one of them was not wanted any more.
   */
  async submit(inputs: readonly BatchInput[]): Promise<boolean> {
    if (inputs.length === 0) return true;
    return new Promise((resolve) => {
      let leftCount = inputs.length;
      let areAllPublished = true;
      const end = (isPublished: boolean): void => {
        areAllPublished &&= isPublished;
        leftCount -= 1;
        if (leftCount === 0) resolve(areAllPublished);
      };
      const ends = { settle: () => end(true), giveBack: () => end(false) };
      this.#turns.add(inputs.map((input) => ({ input, ...ends })));
    });
  }

  /**
   * Commits at once what the relay could not send: nothing is awaited, and no place is needed, for a batch that waits
   * for this one holds it.
   */
  setAside(input: BatchInput): void {
    const { writePath, timers } = this.#parts;
    const { entries, events, timerChanges } = writePath.commit([input], undefined);
    timers.apply(timerChanges);
    this.#publishing.publishAside({ entries, events });
  }

  /**
   * Nothing is committed any more. Resolves when all publications under way are over; what takes longer than `graceMs`
   * is ended by `giveUp`, which has to make the outlet fail.
   */
  async stop(giveUp: () => void = () => undefined, graceMs = defaultGraceMs): Promise<void> {
    this.#isStopped = true;
    for (const go of this.#batchDone.splice(0)) go();
    this.#wake?.cancel();
    this.#publishing.stop();
    this.#parts.relay.stop();
    this.#turns.stop();
    this.#parking.giveAllBack();
    const { clock } = this.#parts;
    let grace: { cancel(): void } | undefined;
    const graceOver = new Promise<void>((resolve) => {
      grace = clock.setTimer(clock.now() + graceMs, () => {
        giveUp();
        resolve();
      });
    });
    await this.#turns.settled();
    // A withdrawal that is not done by then is done after the next start.
    await Promise.race([this.#parts.relay.done().catch(nothing), graceOver]);
    grace?.cancel();
    this.#publishing.markPublished();
  }

  /** A timer that was cancelled meanwhile, or set anew, is not. */
  #isWanted(input: BatchInput): boolean {
    const { timers, writePath } = this.#parts;
    if (input.kind !== 'timer') return true;
    return timers.isSet(input.timer) && !writePath.isQuarantined(input.timer.runKey);
  }

  /** Commits one turn's part of them and says what each has cost. */
  #commit(items: Iterable<Item>, work: Work): readonly number[] {
    const { writePath, timers, order } = this.#parts;
    this.#lookAtClock();
    const taken: Item[] = [];
    const committed = writePath.commit(inputsOf(items, taken), this.#publishing.takeMarks(), work);
    timers.apply(committed.timerChanges);
    const decided = this.#parking.park(taken, committed.undecided);
    this.#publishing.add(committed, decided);
    for (const { input } of decided) order.decided(input);
    this.#armTimers();
    return committed.costsMs;
  }

  /** The answer for a lane is there: what was parked comes before what has arrived since. */
  #resume(lane: string): void {
    this.#parts.writePath.release(lane);
    this.#turns.add(this.#parking.take(lane), 'first');
  }

  #enter(items: readonly Item[]): void {
    this.#turns.add(items);
    for (const go of this.#batchDone.splice(0)) go();
  }

  /** Resolves after the next batch, or after so many milliseconds. */
  #nextBatch(orAfterMs: number): Promise<void> {
    const { clock } = this.#parts;
    return new Promise((resolve) => {
      const timer = clock.setTimer(clock.now() + orAfterMs, resolve);
      this.#batchDone.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Asks the stream what waits, or waits for it when it was asked a short while ago. */
  async #seeMore(): Promise<void> {
    const { clock, horizon } = this.#parts;
    const now = clock.monotonic();
    if (this.#askedAt !== undefined && now - this.#askedAt < askAgainMs) {
      await this.#nextBatch(askAgainMs);
      return;
    }
    this.#askedAt = now;
    try {
      await horizon.ask(clock.now());
      if (this.#streamOrder.hasReady(horizon.deliveredUpTo)) this.#enterOrdered();
    } catch (cause) {
      if (!(cause instanceof TransientError)) throw cause;
      await this.#nextBatch(askAgainMs);
    }
  }

  #armTimers(): void {
    if (this.#firing !== undefined || this.#isStopped || !this.#hasStarted) return;
    const { timers, clock } = this.#parts;
    const dueAt = timers.nextDueAt();
    const at = dueAt === undefined ? undefined : Math.min(dueAt, clock.now() + recheckMs);
    if (at !== undefined && this.#wake !== undefined && this.#wake.at <= at) return;
    this.#wake?.cancel();
    this.#wake = undefined;
    if (at === undefined) return;
    // What a decision has left for its next turn has its place at once.
    if (at <= clock.now()) {
      this.#fire();
      return;
    }
    const { cancel } = clock.setTimer(at, () => {
      this.#wake = undefined;
      this.#lookAtClock();
      if ((timers.nextDueAt() ?? Number.POSITIVE_INFINITY) > clock.now()) this.#armTimers();
      else this.#fire();
    });
    this.#wake = { at, cancel };
  }

  #lookAtClock(): void {
    const { clock, setBack } = this.#parts;
    const wall = clock.now();
    const monotonic = clock.monotonic();
    const setBackMs = Math.round(monotonic - this.#lookedAt.monotonic - (wall - this.#lookedAt.wall));
    this.#lookedAt = { wall, monotonic };
    if (setBackMs < minSetBackMs) return;
    setBack(setBackMs);
    this.#wake?.cancel();
    this.#wake = undefined;
  }

  #fire(): void {
    if (this.#firing !== undefined || this.#isStopped || !this.#hasStarted) return;
    this.#firing = this.#fireAll()
      .catch((cause) => this.#parts.fail(cause))
      .finally(() => {
        this.#firing = undefined;
        // Found by a batch while the last round was ending.
        if (this.#due.hasFree || this.#due.isWaiting || this.#due.hasReleased) this.#fire();
        this.#armTimers();
      });
  }

  /** Fires what is due, and goes on until nothing due is left. */
  async #fireAll(): Promise<void> {
    const { clock } = this.#parts;
    this.#askedAt = undefined;
    while (!this.#isStopped) {
      this.#due.collect(clock.now());
      const ripe = this.#due.takeRipe(this.#seenUpTo, maxPerMove);
      if (ripe.length > 0) {
        this.#turns.add(
          ripe.map((timer) => ({ input: { kind: 'timer', timer }, settle: nothing, giveBack: nothing })),
        );
        await nextTurn();
        continue;
      }
      // The timers have their places, and what was held comes behind them.
      this.#due.settle();
      if (this.#due.hasReleased) {
        this.#enter(this.#due.takeReleased(maxPerMove));
        await nextTurn();
        continue;
      }
      if (this.#due.hasFree) continue;
      if (!this.#due.isWaiting) return;
      await this.#seeMore();
    }
  }
}

/** Each that is taken is noted. */
function* inputsOf(items: Iterable<Item>, taken: Item[]): Iterable<BatchInput> {
  for (const item of items) {
    taken.push(item);
    yield item.input;
  }
}
