/**
 * Runs that are left alone because handling them has stopped the process again and again.
 *
 * 1. What comes for such a run is set aside whole, and shown as a dead letter; its timers rest. Its history is not
 *    touched: what is said about the quarantine are facts of their own, in no history.
 * 2. A release forgets the crashes and sends what was set aside again, in the order in which it came, as the messages
 *    they were: each is handled in a batch of its own time, so that one that still stops the process is counted anew.
 * 3. So is a run whose definition, or an agent of it, this release cannot compile, until a release can.
 * 4. What a transaction changes counts only when it is committed.
 */
import { encodeEvent, type RunCommand, type RunKey, runKeyOf, runOfKey } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Changes } from './changes.js';
import type { DeadLetters } from './dead-letters.js';
import type { BatchContext, RunCommands } from './run-commands.js';
import { runFields } from './run-fields.js';
import type { LoadedRun, Runs } from './runs.js';
import type { CrashStore } from './store/crash-store.js';
import { type InboxStore, runCommandKey } from './store/inbox-store.js';
import type { TimerStore } from './store/timer-store.js';
import { encodeQuarantine } from './wire/event-codec.js';
import { deadLetterOf, type IncomingMessage } from './wire/input-codec.js';

export type ReleaseCommand = Extract<RunCommand, { type: 'release' }>;

export interface QuarantineParts {
  readonly crashes: CrashStore;
  readonly timers: TimerStore;
  readonly inbox: InboxStore;
  readonly runs: Runs;
  readonly commands: RunCommands;
  readonly deadLetters: DeadLetters;
  readonly logger: Logger;
}

const utf8 = new TextDecoder();

export class Quarantine {
  readonly #parts: QuarantineParts;
  #runKeys: Set<RunKey>;

  constructor(parts: QuarantineParts) {
    this.#parts = parts;
    this.#runKeys = new Set(parts.crashes.quarantined());
    for (const runKey of this.#runKeys) parts.logger.error('the run is quarantined', runFields(runKey));
  }

  has(runKey: RunKey): boolean {
    return this.#runKeys.has(runKey);
  }

  /** After a transaction that failed: what it released is not. */
  rollback(): void {
    this.#runKeys = new Set(this.#parts.crashes.quarantined());
  }

  /** Tells of what former processes have left to tell. */
  announceAll(changes: Changes, now: number): void {
    for (const crashed of this.#parts.crashes.unannounced()) {
      const message = encodeQuarantine({ ...crashed, at: now });
      changes.announce(message);
      this.#parts.crashes.markAnnounced(crashed.runKey, now);
      this.#parts.crashes.noteNotice(message.id);
    }
  }

  /** Nothing has stopped the process: it is known that the run cannot be handled. */
  impose(run: LoadedRun, reason: string, { changes, now }: BatchContext): void {
    const { runKey } = run;
    if (this.has(runKey)) return;
    const { crashes, logger } = this.#parts;
    logger.error(
      'the run is quarantined: this release cannot compile its definition or an agent of it',
      runFields(runKey),
    );
    crashes.quarantine({ runKey, reason, at: now });
    const message = encodeQuarantine({ runKey, reason, at: now });
    changes.announce(message);
    crashes.noteNotice(message.id);
    this.#runKeys.add(runKey);
  }

  /** `message` is undefined for a timer, which rests. */
  setAside(runKey: RunKey, kind: string, message: IncomingMessage | undefined, context: BatchContext): void {
    const { crashes, deadLetters, logger } = this.#parts;
    logger.error('a message for a quarantined run was set aside', { ...runFields(runKey), kind });
    if (message === undefined) return;
    crashes.setAside(runKey, { subject: message.subject, payload: utf8.decode(message.data) });
    const reason = `run ${runOfKey(runKey).runId} is quarantined: ${crashes.find(runKey)?.reason}; it is handled when the run is released`;
    deadLetters.record(deadLetterOf(message, 'POISON_MESSAGE', reason, context.now), context);
  }

  /** Nothing of the run is read: what comes after may find that it still cannot be handled. */
  release(command: ReleaseCommand, context: BatchContext): void {
    const { runId, workspace } = command;
    const runKey = runKeyOf(command);
    // Delivered again, because what it let go has ended the process: that is counted, and not released once more.
    if (!this.#parts.inbox.accept(runCommandKey(command), context.now)) return;
    if (!this.has(runKey)) {
      const refusal = this.#parts.runs.has(runKey)
        ? { code: 'RUN_NOT_QUARANTINED', message: `run ${runId} is not quarantined` }
        : { code: 'RUN_NOT_FOUND', message: `there is no run ${runId}` };
      this.#parts.commands.notice(command, refusal, context);
      return;
    }
    this.#goOn(runKey, command, context);
    const { actor, commandId } = command;
    const id = `quarantine:${runKey}/${commandId}`;
    this.#parts.crashes.noteNotice(id);
    context.changes.announce(
      encodeEvent({
        id,
        workspace,
        runId: null,
        sequence: 0,
        at: context.now,
        causationId: commandId,
        data: { type: 'deadletter.run_released', actor, runId },
      }),
    );
  }

  #goOn(runKey: RunKey, { commandId }: ReleaseCommand, { changes }: BatchContext): void {
    this.#runKeys.delete(runKey);
    for (const [index, { subject, payload }] of this.#parts.crashes.release(runKey).entries()) {
      const messageId = `${runKey}/released/${commandId}/${index}`;
      changes.send({ kind: 'message', subject, messageId, payload });
    }
    for (const timer of this.#parts.timers.all()) if (timer.runKey === runKey) changes.setTimer(timer);
  }
}
