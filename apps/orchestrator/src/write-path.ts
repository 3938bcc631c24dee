/**
 * The shell: one synchronous SQLite transaction around the pure core, for a whole batch.
 *
 * 1. Everything that a batch brings about commits together: events, rows, timers, outbox, inbox, and the marks of
 *    what earlier batches have published.
 * 2. Nothing is awaited between its begin and its commit.
 * 3. A message is acknowledged after the commit, and after what follows from it is published (`intake.ts`).
 * 4. What one run does wrong is written down before the process ends; a run that has ended it three times is left
 *    alone until it is released (`quarantine.ts`).
 * 5. An input whose decision needs an answer from outside (`outside.ts`) stays undecided, and so does everything
 *    behind it in its lane (a run, or a workspace's catalog): whoever commits brings them again, in order. Nothing of
 *    an undecided input is committed; the transaction that met it is rolled back and made again without it.
 * 6. A commit takes inputs until its work is enough, and at least one; the rest is for the next.
 */
import { isStoreFailure } from '@signalbox/data-folder';
import { type RunKey, runKeyOf, runOfKey } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Database } from 'better-sqlite3';
import type { Catalog } from './catalog/catalog.js';
import { Changes, type Publication, type TimerChange } from './changes.js';
import type { DeadLetters } from './dead-letters.js';
import type { Lane } from './fair-queue.js';
import { NeedsAnswer, type OutsideAnswers } from './outside.js';
import { Quarantine } from './quarantine.js';
import { Recorder, type RecorderParts } from './recorder.js';
import type { BatchContext, RunCommands } from './run-commands.js';
import type { Starts } from './starts.js';
import { type CrashStore, maxCrashCount } from './store/crash-store.js';
import type { InboxStore } from './store/inbox-store.js';
import type { OutboxStore, PublishedMarks } from './store/outbox-store.js';
import type { TimerStore } from './store/timer-store.js';
import { type BatchInput, deadLetterOf, fallbackWorkspace } from './wire/input-codec.js';
import type { Work } from './work.js';

/** Handling this run has failed in a way that nobody handles: log, exit, restart. */
export class RunCrash extends Error {
  override readonly name = 'RunCrash';
  constructor(
    readonly runKey: RunKey,
    cause: unknown,
  ) {
    super(`run ${runKey} cannot be handled: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** As `RunCrash`, for a message that belongs to no run. */
export class MessageCrash extends Error {
  override readonly name = 'MessageCrash';
  constructor(
    readonly messageId: string,
    cause: unknown,
  ) {
    super(
      `message ${messageId} cannot be handled: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

export interface WritePathParts {
  readonly sql: Database;
  readonly recorder: RecorderParts;
  readonly outbox: OutboxStore;
  readonly inbox: InboxStore;
  readonly timers: TimerStore;
  readonly crashes: CrashStore;
  readonly commands: RunCommands;
  readonly starts: Starts;
  readonly catalog: Catalog;
  readonly deadLetters: DeadLetters;
  readonly outside: OutsideAnswers;
  readonly logger: Logger;
  /** What the decisions of a batch may evaluate together is anew. */
  readonly beginBatch: () => void;
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** When no further input is begun: writing rows and committing come on top. */
export type Enough = Pick<Work, 'isEnough'>;

const neverEnough: Enough = { isEnough: false };

export interface Undecided {
  readonly input: BatchInput;
  readonly lane: string;
  /** Where the input itself needs an answer, rather than standing behind one that does. Never rejects. */
  readonly fetch?: () => Promise<void>;
}

export interface Committed extends Publication {
  readonly timerChanges: readonly TimerChange[];
  /** In the order in which they came. */
  readonly undecided: readonly Undecided[];
  /** Of each input that was taken, decided or not. */
  readonly costsMs: readonly number[];
}

/** Ends a transaction that must be made again without what stays undecided. */
class Unfinished extends Error {
  constructor(readonly undecided: readonly Undecided[]) {
    super('some inputs are undecided');
  }
}

interface Handled {
  readonly changes: Changes;
  readonly undecided: readonly Undecided[];
}

/** What one transaction is to handle. */
interface Part {
  readonly inputs: Iterable<BatchInput>;
  readonly marks: PublishedMarks | undefined;
  readonly work: Enough;
}

export class WritePath {
  readonly #parts: WritePathParts;
  readonly #quarantine: Quarantine;
  readonly #setAsideMessages: ReadonlySet<string>;
  readonly #heldLanes = new Set<string>();
  /** Of what the turn under way has taken, in milliseconds, in order. */
  readonly #costs = new Map<BatchInput, number>();
  readonly #transaction: (part: Part) => Handled;

  constructor(parts: WritePathParts) {
    this.#parts = parts;
    this.#quarantine = new Quarantine({ ...parts, runs: parts.recorder.runs });
    this.#setAsideMessages = parts.crashes.setAsideMessages();
    const transaction = parts.sql.transaction((part: Part) => this.#handleAll(part));
    this.#transaction = (part) => transaction.immediate(part);
  }

  /** What the input has to keep its order in, and who pays for it. */
  laneOf(input: BatchInput): Lane {
    const key = keyOf(input);
    switch (input.kind) {
      case 'run':
      case 'resume':
      case 'timer': {
        const runKey = input.kind === 'timer' ? input.timer.runKey : input.runKey;
        return { workspace: runOfKey(runKey).workspace, family: this.#familyOf(runKey, input), key };
      }
      case 'catalog':
        return { workspace: input.command.workspace, family: key, key };
      case 'dead_letter':
        return { workspace: fallbackWorkspace, family: key, key };
    }
  }

  /** A child run whose start waits is not recorded yet. */
  #familyOf(runKey: RunKey, input: BatchInput): RunKey {
    if (input.kind !== 'run' || input.command.type !== 'start')
      return this.#parts.recorder.runs.rootKeyOf(runKey);
    const { workspace, root } = input.command;
    return root === undefined ? runKey : runKeyOf({ workspace, runId: root.runId });
  }

  isQuarantined(runKey: RunKey): boolean {
    return this.#quarantine.has(runKey);
  }

  /** For a start: what former processes have left to tell waits in the outbox. */
  announceQuarantined(): void {
    const { sql, outbox, timers, now } = this.#parts;
    const announce = () => this.#quarantine.announceAll(new Changes(outbox, timers), now());
    sql.transaction(announce).immediate();
  }

  /**
   * Takes inputs until the work is enough, commits them and returns what has to be published. `marks` is what is
   * published by now.
   * @throws RunCrash after which this process must not go on.
   */
  commit(
    inputs: Iterable<BatchInput>,
    marks: PublishedMarks | undefined,
    work: Enough = neverEnough,
  ): Committed {
    const { recorder, outbox, outside, crashes } = this.#parts;
    this.#costs.clear();
    try {
      const { changes, undecided } = this.#commitDecided({ inputs, marks, work });
      recorder.runs.committed();
      recorder.runs.evict();
      outside.committed();
      const reached = { outbox: outbox.lastPosition(), events: recorder.store.lastPosition() };
      const { entries, events, timerChanges } = changes;
      return {
        entries,
        events,
        timerChanges,
        undecided,
        costsMs: [...this.#costs.values()],
        marks: reached,
      };
    } catch (cause) {
      this.#quarantine.rollback();
      if (cause instanceof RunCrash) crashes.record({ runKey: cause.runKey, reason: cause.message });
      if (cause instanceof MessageCrash) crashes.recordMessage(cause.messageId, cause.message);
      throw cause;
    }
  }

  /** The next commit decides this lane's inputs again; the first of them must be those that were held. */
  release(lane: string): void {
    this.#heldLanes.delete(lane);
  }

  /**
   * Each turn leaves out at least one input more, so it ends. What is left out stands behind everything of its lane
   * that is not: lanes are held from the commit on, and not between the turns.
   */
  #commitDecided({ inputs, marks, work }: Part): Handled {
    const { recorder, outbox } = this.#parts;
    const from = { outbox: outbox.lastPosition(), events: recorder.store.lastPosition() };
    const left = new Map<BatchInput, Undecided>();
    let part: Part = { inputs, marks, work };
    for (;;) {
      try {
        const { changes, undecided } = this.#transaction(part);
        for (const one of undecided) left.set(one.input, one);
        for (const { lane } of left.values()) this.#heldLanes.add(lane);
        return { changes, undecided: [...this.#costs.keys()].flatMap((input) => left.get(input) ?? []) };
      } catch (cause) {
        if (!(cause instanceof Unfinished)) throw cause;
        for (const one of cause.undecided) left.set(one.input, one);
        // Made again, it is about the same inputs, all of them: what is left out stands among them, in its order.
        const decidable = [...this.#costs.keys()].filter((input) => !left.has(input));
        part = { inputs: decidable, marks, work: neverEnough };
        recorder.runs.rolledBack();
        this.#quarantine.rollback();
        recorder.store.rewind(from.events);
        outbox.rewind(from.outbox);
      }
    }
  }

  /** Marks what is published when no batch comes along that could do it. */
  markPublished(marks: PublishedMarks): void {
    this.#transaction({ inputs: [], marks, work: neverEnough });
  }

  #handleAll({ inputs, marks, work }: Part): Handled {
    const { outbox, timers, recorder: recorderParts, monotonic } = this.#parts;
    if (marks !== undefined) outbox.markPublished(marks);
    const changes = new Changes(outbox, timers);
    const recorder = new Recorder(recorderParts, changes);
    this.#parts.beginBatch();
    const undecided: Undecided[] = [];
    const held = new Set(this.#heldLanes);
    let from = monotonic();
    for (const input of inputs) {
      const context = { changes, recorder, now: this.#parts.now() };
      const left = this.#handleUnlessHeld(input, held, context);
      const now = monotonic();
      this.#costs.set(input, now - from);
      from = now;
      if (left !== undefined) {
        undecided.push(left);
        held.add(left.lane);
      }
      if (work.isEnough) break;
    }
    if (undecided.some(({ fetch }) => fetch !== undefined)) throw new Unfinished(undecided);
    recorder.flush();
    return { changes, undecided };
  }

  #handleUnlessHeld(
    input: BatchInput,
    held: ReadonlySet<string>,
    context: BatchContext,
  ): Undecided | undefined {
    if (held.size > 0 && held.has(keyOf(input))) return { input, lane: keyOf(input) };
    try {
      this.#handleOne(input, context);
      return undefined;
    } catch (cause) {
      if (!(cause instanceof NeedsAnswer)) throw cause;
      return { input, lane: keyOf(input), fetch: cause.fetch };
    }
  }

  #handleOne(input: BatchInput, context: BatchContext): void {
    const runKey = runKeyOfInput(input);
    if (runKey === undefined) {
      this.#handleMessage(input, context);
      return;
    }
    try {
      this.#handleOfRun(runKey, input, context);
    } catch (cause) {
      if (cause instanceof NeedsAnswer) throw cause;
      // A disk that is full is not the fault of the run at hand.
      if (isStoreFailure(cause)) throw cause;
      throw new RunCrash(runKey, cause);
    }
  }

  #handleOfRun(runKey: RunKey, input: BatchInput, context: BatchContext): void {
    if (input.kind === 'run' && input.command.type === 'release') {
      this.#quarantine.release(input.command, context);
      return;
    }
    const isKnown = this.#quarantine.has(runKey);
    const unusable = isKnown ? undefined : this.#parts.recorder.runs.findUnusable(runKey);
    if (unusable !== undefined) this.#quarantine.impose(unusable.run, unusable.problem, context);
    if (isKnown || unusable !== undefined)
      this.#quarantine.setAside(runKey, input.kind, 'message' in input ? input.message : undefined, context);
    else this.#handle(input, context);
  }

  #handleMessage(input: BatchInput, context: BatchContext): void {
    const message = input.kind === 'catalog' || input.kind === 'dead_letter' ? input.message : undefined;
    const messageId = message === undefined ? '' : `${message.stream}/${message.streamSequence}`;
    if (message !== undefined && this.#setAsideMessages.has(messageId)) {
      this.#parts.logger.error('a message that has stopped the process too often was set aside', {
        message: messageId,
        subject: message.subject,
      });
      // A dead letter itself may be what cannot be handled.
      if (input.kind === 'dead_letter') return;
      const reason = `it has stopped the orchestrator ${maxCrashCount} times`;
      this.#parts.deadLetters.record(deadLetterOf(message, 'POISON_MESSAGE', reason, context.now), context);
      return;
    }
    try {
      this.#handle(input, context);
    } catch (cause) {
      if (cause instanceof NeedsAnswer) throw cause;
      if (isStoreFailure(cause)) throw cause;
      throw new MessageCrash(messageId, cause);
    }
  }

  #handle(input: BatchInput, context: BatchContext): void {
    const { commands, starts, catalog, deadLetters } = this.#parts;
    switch (input.kind) {
      case 'run':
        if (input.command.type === 'start')
          starts.start(input.command, input.message.streamSequence, context);
        else if (input.command.type !== 'release') commands.control(input.command, context);
        break;
      case 'resume':
        commands.resume(input, context);
        break;
      case 'timer':
        if (!context.changes.hasChangedTimer(input.timer)) commands.timer(input.timer, context);
        break;
      case 'catalog':
        catalog.handle(input.command, input.message.streamSequence, context);
        break;
      case 'dead_letter':
        deadLetters.record(input, context);
        break;
    }
  }
}

export const runKeyOfInput = (input: BatchInput): RunKey | undefined => {
  switch (input.kind) {
    case 'run':
    case 'resume':
      return input.runKey;
    case 'timer':
      return input.timer.runKey;
    case 'catalog':
    case 'dead_letter':
      return undefined;
  }
};

/** What is handled in the order in which it comes. No id holds a colon. */
const keyOf = (input: BatchInput): string =>
  runKeyOfInput(input) ?? (input.kind === 'catalog' ? `catalog:${input.command.workspace}` : input.kind);
