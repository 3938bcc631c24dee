/**
 * Answers each command to a run: decide, record what was accepted, make a fact of what was refused.
 *
 * 1. A refused command of a person or a service becomes an event of the run, so that the caller learns why and the
 *    audit sees who tried. A refused step result changes nothing: it is a duplicate, or comes too late.
 * 2. A command for a run that its workspace does not have is answered by a notice (sequence 0) that is not kept.
 * 3. What fits is a rule of `decide`. A message that is too large all the same costs its run, never the process.
 */
import {
  type Command,
  decide,
  hasRoomForRefusal,
  type RunLimits,
  type StepError,
  stepError,
  type World,
} from '@signalbox/engine';
import { InvariantViolation } from '@signalbox/messaging';
import {
  type EventData,
  encodeChildEnded,
  encodeEvent,
  type IncomingResume,
  type RunCommand,
  type RunKey,
  type RunRef,
  runKeyOf,
  runOfKey,
} from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Changes } from './changes.js';
import type { Recorder, Unsendable } from './recorder.js';
import { runFields } from './run-fields.js';
import type { LoadedRun, Runs } from './runs.js';
import { sha256 } from './sha256.js';
import { type InboxStore, runCommandKey } from './store/inbox-store.js';
import { messageEntry } from './store/outbox-store.js';
import type { Timer } from './store/timer-store.js';
import type { Claims } from './wire/claim.js';
import { type ControlCommand, toControl, toResumption } from './wire/command-codec.js';

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

export type Answer = { readonly kind: 'done' } | ({ readonly kind: 'refused' } & Refusal);

export interface RunCommandParts {
  readonly runs: Runs;
  readonly inbox: InboxStore;
  readonly claims: Claims;
  /** For each decision. */
  readonly newBudget: () => World['budget'];
  readonly runLimits: RunLimits;
  readonly childRunCount: (root: RunKey) => number;
  /** What it gives throws NeedsAnswer. */
  readonly violationsIn: (workspace: string) => World['violations'];
  readonly limits: () => World['limits'];
  readonly logger: Logger;
}

/** What the handlers of one batch share. */
export interface BatchContext {
  readonly changes: Changes;
  readonly recorder: Recorder;
  readonly now: number;
}

interface Resumption {
  readonly resume: IncomingResume;
  readonly runKey: RunKey;
}

export interface LostAttempt extends RunRef {
  readonly stepId: string;
  readonly attempt: number;
  readonly error: StepError;
}

const done: Answer = { kind: 'done' };

export class RunCommands {
  readonly #parts: RunCommandParts;

  constructor(parts: RunCommandParts) {
    this.#parts = parts;
  }

  control(command: ControlCommand, context: BatchContext): void {
    if (!this.#parts.inbox.accept(runCommandKey(command), context.now)) return;
    const run = this.#parts.runs.find(runKeyOf(command));
    if (run === undefined) {
      const message = `there is no run ${command.runId}`;
      this.notice(command, { code: 'RUN_NOT_FOUND', message }, context);
      return;
    }
    const answer = this.apply(run, toControl(command), context, command.commandId);
    if (answer.kind !== 'refused') return;
    // Sent again, it is answered again: there is nothing new to record.
    if (answer.code === 'SIGNAL_ALREADY_RECEIVED') this.notice(command, answer, context);
    else this.refuse(run, command, answer, context);
  }

  /** The refusal of a command, in the history of its run. */
  refuse(run: LoadedRun, command: RunCommand, { code, message }: Refusal, context: BatchContext): void {
    const { type, actor } = command;
    if (!hasRoomForRefusal(run.state)) {
      this.notice(command, { code, message }, context);
      return;
    }
    const event = { type: 'run.command_refused', command: type, code, message, actor } as const;
    context.recorder.record(run, { events: [event] }, context.now, command.commandId);
  }

  /** A refusal that is answered and not kept: the run has no history in its workspace, or too many refusals in it. */
  notice(command: RunCommand, { code, message }: Refusal, context: BatchContext): void {
    const { type, actor } = command;
    this.#announce(command, { type: 'run.command_refused', command: type, code, message, actor }, context);
  }

  #announce(
    { workspace, runId, commandId }: Pick<RunCommand, 'workspace' | 'runId' | 'commandId'>,
    data: EventData,
    context: BatchContext,
  ): void {
    const id = `${runKeyOf({ workspace, runId })}/refused/${commandId}`;
    const about = { id, workspace, runId, sequence: 0, at: context.now, causationId: commandId };
    context.changes.announce(encodeEvent({ ...about, data }));
  }

  resume({ resume: message, runKey }: Resumption, context: BatchContext): void {
    switch (message.type) {
      case 'step.started':
      case 'step.given_back':
      case 'step.succeeded':
      case 'step.failed':
        this.#stepResult(message, runKey, context);
        break;
      case 'approval.decision':
      case 'approval.refusal':
        this.#approval(message, context);
        break;
      case 'child.ended':
        this.#quietly(runKey, toResumption(message), context);
        break;
    }
  }

  #stepResult(
    message: Extract<IncomingResume, { worker: string }>,
    runKey: RunKey,
    context: BatchContext,
  ): void {
    const { workspace, runId, stepId, attempt, sentBy: target } = message;
    if (!this.#parts.claims.isRight(message.claim, { target, workspace, runId, stepId, attempt })) {
      this.#parts.logger.warn('a step result without the right claim was refused', {
        run_id: runId,
        step_id: stepId,
        attempt,
        worker: message.worker,
      });
      return;
    }
    this.#quietly(runKey, toResumption(message), context);
  }

  #approval(message: Extract<IncomingResume, { approvalId: string }>, context: BatchContext): void {
    const { commandId, approvalId, actor } = message;
    if (!this.#parts.inbox.accept(runCommandKey(message), context.now)) return;
    const runKey = runKeyOf(message);
    const run = this.#parts.runs.find(runKey);
    if (run === undefined) {
      this.#ignored(runKey, message.type, 'RUN_NOT_FOUND');
      return;
    }
    const hasRoom = hasRoomForRefusal(run.state);
    const answer: Answer =
      message.type === 'approval.refusal' && !hasRoom
        ? { kind: 'refused', code: message.code, message: message.message }
        : this.apply(run, toResumption(message), context, commandId);
    if (answer.kind !== 'refused') return;
    const { code } = answer;
    const event = {
      type: 'approval.decision_refused',
      approvalId,
      actor,
      code,
      message: answer.message,
    } as const;
    if (!hasRoom) {
      this.#announce(message, event, context);
      return;
    }
    context.recorder.record(run, { events: [event] }, context.now, commandId);
  }

  /** What comes from machines: a refusal means that it is a duplicate or late. */
  #quietly(runKey: RunKey, command: Command, context: BatchContext): void {
    const run = this.#parts.runs.find(runKey);
    if (run === undefined) {
      this.#ignored(runKey, command.type, 'RUN_NOT_FOUND');
      return;
    }
    const answer = this.apply(run, command, context);
    if (answer.kind === 'refused') this.#ignored(runKey, command.type, answer.code);
  }

  #ignored(runKey: RunKey, command: string, code: string): void {
    this.#parts.logger.debug('a message changed nothing', { ...runFields(runKey), command, code });
  }

  /** The timer is over whatever the answer: one that nobody wants any more is dropped. */
  timer(timer: Timer, context: BatchContext): void {
    context.changes.cancelTimer(timer.runKey, timer.timerId);
    this.#quietly(timer.runKey, { type: 'timer_fired', purpose: timer.purpose }, context);
  }

  /** A step's task could not be handled by anybody. False where that attempt is no longer in flight. */
  failStep({ workspace, runId, ...failure }: LostAttempt, context: BatchContext): void {
    this.#quietly(runKeyOf({ workspace, runId }), { type: 'step_failed', ...failure }, context);
  }

  /** A start that is linked to a parent was refused: the parent's state fails instead of waiting for ever. */
  tellParent(command: Extract<RunCommand, { type: 'start' }>, refusal: Refusal, context: BatchContext): void {
    if (command.parent === undefined) return;
    const message = encodeChildEnded(
      {
        type: 'child.ended',
        workspace: command.workspace,
        ...command.parent,
        childRunId: command.runId,
        outcome: {
          ok: false,
          error: { code: 'INTERNAL', message: `${refusal.code}: ${refusal.message}`, retryable: false },
        },
      },
      `${runKeyOf(command)}/refused/${command.commandId}/parent`,
    );
    context.changes.send(messageEntry(message));
  }

  /** Decides and records. Of a decision that cannot be sent the part that can stands, and the run is given up. */
  apply(run: LoadedRun, command: Command, context: BatchContext, causationId?: string): Answer {
    const decision = decide(run.state, command, this.#world(run, context));
    if (decision.kind === 'refused') return decision;
    const unsendable = context.recorder.record(run, decision, context.now, causationId);
    if (unsendable !== undefined) this.#giveUp(run, unsendable, context, causationId);
    return done;
  }

  #giveUp(run: LoadedRun, unsendable: Unsendable, context: BatchContext, causationId?: string): void {
    const { what, bytes, maxBytes } = unsendable;
    const message = `${what} has ${bytes} bytes, more than the server takes (${maxBytes})`;
    this.#parts.logger.error('a run was given up: a message of it cannot be sent', {
      ...runFields(run.runKey),
      what,
      bytes,
      max_bytes: maxBytes,
    });
    const error = stepError('PAYLOAD_TOO_LARGE', message, { bytes, maxBytes });
    const decision = decide(run.state, { type: 'give_up', error }, this.#world(run, context));
    // It had ended: what could not be sent was the last thing that it had to say.
    if (decision.kind === 'refused') return;
    const again = context.recorder.record(run, decision, context.now, causationId);
    if (again !== undefined) throw new InvariantViolation(`the end of run ${run.runKey}: ${again.what}`);
  }

  #world(run: LoadedRun, { now }: BatchContext): World {
    if (run.plan === undefined) throw new InvariantViolation(`run ${run.runKey} has no plan: ${run.problem}`);
    const { newBudget, runLimits, childRunCount, violationsIn, limits } = this.#parts;
    const { workspace } = runOfKey(run.runKey);
    return {
      now,
      plan: run.plan,
      limits: limits(),
      runLimits,
      childRunCount: (runId) => childRunCount(runKeyOf({ workspace, runId })),
      budget: newBudget(),
      digest: sha256,
      violations: violationsIn(workspace),
    };
  }
}
