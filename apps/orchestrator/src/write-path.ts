/**
 * The shell: one synchronous SQLite transaction around the pure core, for a whole batch.
 *
 * 1. Everything that a batch brings about commits together: events, rows, timers, outbox, inbox, and the marks of
 *    what earlier batches have published.
 * 2. Nothing is awaited between its begin and its commit.
 * 3. A message is acknowledged after the commit, and after what follows from it is published (`intake.ts`).
 * 4. What one run does wrong is written down before the process ends; a run that has ended it three times is left
 *    alone: its messages become dead letters and its timers rest.
 * 5. An input whose decision needs an answer from outside (`outside.ts`) stays undecided, and so does everything
 *    behind it in its lane (a run, or a workspace's catalog): whoever commits brings them again, in order. Nothing of
 *    an undecided input is committed; the transaction that met it is rolled back and made again without it.
 */
import type { Logger } from '@signalbox/telemetry';
import type { Database } from 'better-sqlite3';
import type { Catalog } from './catalog/catalog.js';
import { Changes, type Publication, type TimerChange } from './changes.js';
import type { DeadLetters } from './dead-letters.js';
import { NeedsAnswer, type OutsideAnswers } from './outside.js';
import { Recorder, type RecorderParts } from './recorder.js';
import type { BatchContext, RunCommands } from './run-commands.js';
import type { Starts } from './starts.js';
import { type CrashStore, maxCrashCount } from './store/dead-letter-store.js';
import type { InboxStore } from './store/inbox-store.js';
import type { OutboxStore, PublishedMarks } from './store/outbox-store.js';
import type { TimerStore } from './store/timer-store.js';
import { type BatchInput, deadLetterOf } from './wire/input-codec.js';

/** Handling this run has failed in a way that nobody handles: log, exit, restart. */
export class RunCrash extends Error {
  override readonly name = 'RunCrash';
  constructor(
    readonly runId: string,
    cause: unknown,
  ) {
    super(`run ${runId} cannot be handled: ${cause instanceof Error ? cause.message : String(cause)}`, {
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
}

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

export class WritePath {
  readonly #parts: WritePathParts;
  readonly #quarantined: ReadonlySet<string>;
  readonly #setAsideMessages: ReadonlySet<string>;
  readonly #heldLanes = new Set<string>();
  readonly #transaction: (inputs: readonly BatchInput[], marks: PublishedMarks | undefined) => Handled;

  constructor(parts: WritePathParts) {
    this.#parts = parts;
    this.#quarantined = parts.crashes.quarantined();
    this.#setAsideMessages = parts.crashes.setAside();
    for (const runId of this.#quarantined) {
      parts.logger.error('the run is quarantined: it has stopped the process too often', {
        run_id: runId,
        crash_count: maxCrashCount,
      });
    }
    const transaction = parts.sql.transaction(
      (inputs: readonly BatchInput[], marks: PublishedMarks | undefined) => this.#handleAll(inputs, marks),
    );
    this.#transaction = (inputs, marks) => transaction.immediate(inputs, marks);
  }

  isQuarantined(runId: string): boolean {
    return this.#quarantined.has(runId);
  }

  /**
   * Commits the batch and returns what has to be published now. `marks` is what is published by now.
   * @throws RunCrash after which this process must not go on.
   */
  commit(inputs: readonly BatchInput[], marks: PublishedMarks | undefined): Committed {
    const { recorder, outbox, outside, crashes } = this.#parts;
    try {
      const { changes, undecided } = this.#commitDecided(inputs, marks);
      recorder.runs.committed();
      recorder.runs.evict();
      outside.committed();
      const reached = { outbox: outbox.lastPosition(), events: recorder.store.lastPosition() };
      const { entries, events, timerChanges } = changes;
      return { entries, events, timerChanges, undecided, marks: reached };
    } catch (cause) {
      if (cause instanceof RunCrash) crashes.record(cause.runId, cause.message);
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
  #commitDecided(inputs: readonly BatchInput[], marks: PublishedMarks | undefined): Handled {
    const { recorder, outbox } = this.#parts;
    const from = { outbox: outbox.lastPosition(), events: recorder.store.lastPosition() };
    const left = new Map<BatchInput, Undecided>();
    for (;;) {
      try {
        const decidable = inputs.filter((input) => !left.has(input));
        const { changes, undecided } = this.#transaction(decidable, marks);
        for (const one of undecided) left.set(one.input, one);
        for (const { lane } of left.values()) this.#heldLanes.add(lane);
        return { changes, undecided: inputs.flatMap((input) => left.get(input) ?? []) };
      } catch (cause) {
        if (!(cause instanceof Unfinished)) throw cause;
        for (const one of cause.undecided) left.set(one.input, one);
        recorder.runs.rolledBack();
        recorder.store.rewind(from.events);
        outbox.rewind(from.outbox);
      }
    }
  }

  /** Marks what is published when no batch comes along that could do it. */
  markPublished(marks: PublishedMarks): void {
    this.#transaction([], marks);
  }

  #handleAll(inputs: readonly BatchInput[], marks: PublishedMarks | undefined): Handled {
    const { outbox, timers, recorder: recorderParts } = this.#parts;
    if (marks !== undefined) outbox.markPublished(marks);
    const changes = new Changes(outbox, timers);
    const recorder = new Recorder(recorderParts, changes);
    this.#parts.beginBatch();
    const undecided: Undecided[] = [];
    const held = new Set(this.#heldLanes);
    for (const input of inputs) {
      const left = this.#handleUnlessHeld(input, held, { changes, recorder, now: this.#parts.now() });
      if (left === undefined) continue;
      undecided.push(left);
      held.add(left.lane);
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
    const lane = laneOf(input);
    if (held.has(lane)) return { input, lane };
    try {
      this.#handleOne(input, context);
      return undefined;
    } catch (cause) {
      if (!(cause instanceof NeedsAnswer)) throw cause;
      return { input, lane, fetch: cause.fetch };
    }
  }

  #handleOne(input: BatchInput, context: BatchContext): void {
    const runId = runIdOf(input);
    if (runId === undefined) {
      this.#handleMessage(input, context);
      return;
    }
    if (this.#quarantined.has(runId)) {
      this.#setAside(input, runId, context);
      return;
    }
    try {
      this.#handle(input, context);
    } catch (cause) {
      if (cause instanceof NeedsAnswer) throw cause;
      throw new RunCrash(runId, cause);
    }
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
      throw new MessageCrash(messageId, cause);
    }
  }

  #handle(input: BatchInput, context: BatchContext): void {
    const { commands, starts, catalog, deadLetters } = this.#parts;
    switch (input.kind) {
      case 'run':
        if (input.command.type === 'start') starts.start(input.command, context);
        else commands.control(input.command, context);
        break;
      case 'resume':
        commands.resume(input.resume, context);
        break;
      case 'timer':
        commands.timer(input.timer, context);
        break;
      case 'catalog':
        catalog.handle(input.command, context);
        break;
      case 'dead_letter':
        deadLetters.record(input, context);
        break;
    }
  }

  #setAside(input: BatchInput, runId: string, context: BatchContext): void {
    this.#parts.logger.error('a message for a quarantined run was set aside', {
      run_id: runId,
      kind: input.kind,
    });
    if (input.kind !== 'run' && input.kind !== 'resume') return;
    const reason = `run ${runId} is quarantined: it has stopped the orchestrator ${maxCrashCount} times`;
    this.#parts.deadLetters.record(
      deadLetterOf(input.message, 'POISON_MESSAGE', reason, context.now),
      context,
    );
  }
}

export const runIdOf = (input: BatchInput): string | undefined => {
  switch (input.kind) {
    case 'run':
      return input.command.runId;
    case 'resume':
      return input.resume.runId;
    case 'timer':
      return input.timer.runId;
    case 'catalog':
    case 'dead_letter':
      return undefined;
  }
};

/** What is handled in the order in which it comes. */
const laneOf = (input: BatchInput): string => {
  const runId = runIdOf(input);
  if (runId !== undefined) return `run/${runId}`;
  if (input.kind === 'catalog') return `catalog/${input.command.workspace}`;
  return input.kind;
};
