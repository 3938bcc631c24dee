/**
 * The loop: batches of messages and due timers go through the write path, then out through the relay, and are
 * acknowledged.
 *
 * 1. A delivery is settled only when what follows from it, and from everything committed before it, is published.
 * 2. The next batch may commit while the publications of `maxUnpublishedBatches` are under way; more wait.
 * 3. When nothing more comes, what is published is marked by a transaction of its own after `idleMarkMs`.
 */
import type { Delivery } from '@signalbox/messaging';
import type { Clock } from './clock.js';
import { type Relay, RelayStopped } from './relay.js';
import type { Timers } from './timers.js';
import { type BatchInput, decodeInput } from './wire/input-codec.js';
import type { WritePath } from './write-path.js';

export interface IntakeParts {
  readonly writePath: WritePath;
  readonly relay: Relay;
  readonly timers: Timers;
  readonly clock: Clock;
  /** Called with what nobody handles; the process must end. */
  readonly fail: (cause: unknown) => void;
}

const maxUnpublishedBatches = 4;
const maxTimersPerBatch = 500;
const idleMarkMs = 50;
const defaultGraceMs = 5_000;

export class Intake {
  readonly #parts: IntakeParts;
  #slotCount = 0;
  #waiting: (() => void)[] = [];
  #wake: { readonly at: number; cancel(): void } | undefined;
  #idleMark: { cancel(): void } | undefined;
  #isFiring = false;
  #isStopped = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** From now on timers fire by themselves. */
  start(): void {
    this.#armTimers();
  }

  /** Commits the deliveries; resolves when the next batch may come. They are settled later. */
  async handle(deliveries: readonly Delivery[]): Promise<void> {
    if (!(await this.#reserve())) return;
    const now = this.#parts.clock.now();
    const inputs = deliveries.map((delivery) => decodeInput(delivery, now));
    this.#commit(inputs, () => {
      for (const [index, delivery] of deliveries.entries()) {
        if (isOwnDeadLetter(inputs[index], delivery)) delivery.term();
        else delivery.ack();
      }
    });
  }

  /**
   * Commits inputs that came by another way than a delivery; resolves with true when what follows is published, with
   * false when it was stopped first.
   */
  async submit(inputs: readonly BatchInput[]): Promise<boolean> {
    if (!(await this.#reserve())) return false;
    return new Promise((resolve) =>
      this.#commit(
        inputs,
        () => resolve(true),
        () => resolve(false),
      ),
    );
  }

  /**
   * Nothing is committed any more. Resolves when all publications under way are over; what takes longer than `graceMs`
   * is ended by `giveUp`, which has to make the outlet fail.
   */
  async stop(giveUp: () => void = () => undefined, graceMs = defaultGraceMs): Promise<void> {
    this.#isStopped = true;
    this.#wake?.cancel();
    this.#idleMark?.cancel();
    this.#parts.relay.stop();
    for (const go of this.#waiting.splice(0)) go();
    const { clock } = this.#parts;
    const grace = clock.setTimer(clock.now() + graceMs, giveUp);
    while (this.#slotCount > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    grace.cancel();
    this.#markPublished();
  }

  #commit(inputs: readonly BatchInput[], settle: () => void, giveBack: () => void = () => undefined): void {
    const { writePath, relay, timers, fail } = this.#parts;
    this.#idleMark?.cancel();
    this.#idleMark = undefined;
    try {
      const committed = writePath.commit(inputs, relay.takeMarks());
      timers.apply(committed.timerChanges);
      relay.publish(committed).then(
        () => this.#published(settle),
        (cause) => this.#unpublished(cause, giveBack),
      );
    } catch (cause) {
      this.#isStopped = true;
      this.#release();
      fail(cause);
      return;
    }
    this.#armTimers();
  }

  #published(settle: () => void): void {
    settle();
    this.#release();
    if (this.#slotCount > 0 || this.#isStopped) return;
    const { clock } = this.#parts;
    this.#idleMark?.cancel();
    this.#idleMark = clock.setTimer(clock.now() + idleMarkMs, () => this.#markPublished());
  }

  #unpublished(cause: unknown, giveBack: () => void): void {
    this.#release();
    giveBack();
    // Stopped: it is in the database and goes out after the next start; its deliveries come again.
    if (!(cause instanceof RelayStopped)) this.#parts.fail(cause);
  }

  #release(): void {
    this.#slotCount -= 1;
    if (this.#isStopped) for (const go of this.#waiting.splice(0)) go();
    else this.#waiting.shift()?.();
  }

  /** Takes the place of one unpublished batch, as soon as there is one; false when it was stopped first. */
  async #reserve(): Promise<boolean> {
    while (!this.#isStopped && this.#slotCount >= maxUnpublishedBatches) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (!this.#isStopped) this.#slotCount += 1;
    return !this.#isStopped;
  }

  #markPublished(): void {
    const marks = this.#parts.relay.takeMarks();
    if (marks !== undefined) this.#parts.writePath.markPublished(marks);
  }

  #armTimers(): void {
    if (this.#isFiring || this.#isStopped) return;
    const { timers, clock } = this.#parts;
    const at = timers.nextDueAt();
    if (at === this.#wake?.at) return;
    this.#wake?.cancel();
    this.#wake = undefined;
    if (at === undefined) return;
    const { cancel } = clock.setTimer(at, () => void this.#fireTimers());
    this.#wake = { at, cancel };
  }

  async #fireTimers(): Promise<void> {
    this.#wake = undefined;
    this.#isFiring = true;
    const hasSlot = await this.#reserve();
    this.#isFiring = false;
    if (!hasSlot) return;
    const { timers, clock, writePath } = this.#parts;
    const due = timers
      .takeDue(clock.now(), maxTimersPerBatch)
      .filter(({ runId }) => !writePath.isQuarantined(runId));
    if (due.length > 0) {
      this.#commit(
        due.map((timer) => ({ kind: 'timer', timer })),
        () => undefined,
      );
    } else {
      this.#release();
      this.#armTimers();
    }
  }
}

/** The delivery itself broke the contract, rather than being a report about another message. */
const isOwnDeadLetter = (input: BatchInput | undefined, delivery: Delivery): boolean =>
  input?.kind === 'dead_letter' && input.report.subject === delivery.subject;
