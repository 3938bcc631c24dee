/**
 * Records events of runs: history, state, effects and rows, all in the transaction of one batch.
 *
 * 1. Nothing is recorded that cannot be published: a decision with an event over the server's largest message is
 *    turned down before anything of it is written.
 * 2. A step whose input or task is too large is not sent out; it is `overdue` and has to fail in the same transaction.
 * 3. Rows are written once a batch for each run, step and approval, from the state after the last event.
 */
import {
  approvalView,
  type Effect,
  evolve,
  isEnded,
  type RecordedEvent,
  type RunEvent,
  type RunState,
  react,
  runStatus,
  runView,
  stepView,
} from '@signalbox/engine';
import { maxStepPayloadBytes } from '@signalbox/protocol';
import type { Changes } from './changes.js';
import { type LoadedRun, type Runs, startedOf } from './runs.js';
import type { RunStore } from './store/run-store.js';
import { dataTextOf, type EncodedMessage, encodeRunEvent } from './wire/event-codec.js';
import type { StepTasks } from './wire/step-tasks.js';
import {
  approvalTaskEntry,
  approvalWithdrawal,
  cancelChildEntry,
  childEndedEntry,
  type MessageEntry,
  startChildEntry,
  stepWithdrawal,
} from './wire/task-codec.js';

/** What is too large, and by how much. */
export interface Oversize {
  readonly what: string;
  readonly bytes: number;
  readonly maxBytes: number;
}

export const describeOversize = ({ what, bytes, maxBytes }: Oversize): string =>
  `${what} has ${bytes} bytes, the limit is ${maxBytes}`;

export interface OverdueFailure {
  readonly run: LoadedRun;
  readonly stepId: string;
  readonly attempt: number;
  readonly oversize: Oversize;
}

export interface RecorderParts {
  readonly runs: Runs;
  readonly store: RunStore;
  readonly stepTasks: StepTasks;
  /** Largest data of a message, with room for its headers. */
  readonly maxMessageBytes: () => number;
}

interface Prepared {
  readonly recorded: RecordedEvent;
  readonly dataText: string;
  readonly message: EncodedMessage;
}

export interface Recordable {
  readonly events: readonly RunEvent[];
  /** After each of the events, where that is known already. */
  readonly states?: readonly RunState[];
}

interface Touched {
  readonly run: LoadedRun;
  readonly isNew: boolean;
  readonly stepIds: Set<string>;
  readonly approvalIds: Set<string>;
}

/** Bytes of UTF-8, counted only where the text may be near the limit. */
const bytesOver = (text: string, maxBytes: number): number | undefined => {
  if (text.length * 3 <= maxBytes) return undefined;
  const bytes = Buffer.byteLength(text);
  return bytes > maxBytes ? bytes : undefined;
};

/** One for each batch. */
export class Recorder {
  /** Steps that must fail before the transaction ends; whoever records takes them away. */
  readonly overdue: OverdueFailure[] = [];
  readonly #parts: RecorderParts;
  readonly #changes: Changes;
  readonly #touched = new Map<string, Touched>();

  constructor(parts: RecorderParts, changes: Changes) {
    this.#parts = parts;
    this.#changes = changes;
  }

  /** Records all of the events, or none and says what is too large. */
  record(
    run: LoadedRun,
    workspace: string,
    { events, states }: Recordable,
    at: number,
    causationId?: string,
  ): Oversize | undefined {
    const maxBytes = this.#parts.maxMessageBytes();
    const firstSeq = run.state.seq + 1;
    const prepared: Prepared[] = [];
    const overdue: OverdueFailure[] = [];
    for (const [index, event] of events.entries()) {
      const encode = (event: RunEvent): Prepared => {
        const recorded = { seq: firstSeq + index, at, event };
        const dataText = dataTextOf(recorded);
        const message = encodeRunEvent(run.runId, workspace, recorded, causationId, dataText);
        return { recorded, dataText, message };
      };
      const whole = encode(event);
      const withheld = withheldInput(event, whole.message.text);
      if (withheld !== undefined) overdue.push({ run, ...withheld.failure });
      const one = withheld === undefined ? whole : encode(withheld.event);
      const bytes = bytesOver(one.message.text, maxBytes);
      if (bytes !== undefined) return { what: `the event ${event.type}`, bytes, maxBytes };
      prepared.push(one);
    }
    // An event that was replaced makes other states than those that were decided on.
    const known = overdue.length === 0 ? states : undefined;
    for (const [index, one] of prepared.entries()) {
      const state = known?.[index] ?? evolve(run.state, one.recorded);
      this.#write(run, one, state, causationId, overdue);
    }
    this.overdue.push(...overdue);
    return undefined;
  }

  #write(
    run: LoadedRun,
    { recorded, dataText, message }: Prepared,
    state: RunState,
    causationId: string | undefined,
    overdue: OverdueFailure[],
  ): void {
    const { seq, at, event } = recorded;
    this.#parts.store.append(run.runId, seq, at, event.type, dataText, causationId);
    this.#changes.events.push(message);
    this.#touch(run, event);
    run.state = state;
    for (const [index, effect] of react(state, recorded).entries()) {
      this.#perform(run, effect, `${run.runId}/${seq}/${index}`, at, overdue);
    }
  }

  #perform(
    run: LoadedRun,
    effect: Effect,
    messageId: string,
    at: number,
    overdue: readonly OverdueFailure[],
  ): void {
    const { runId } = run;
    const started = startedOf(run);
    switch (effect.type) {
      case 'dispatch_step':
        if (!overdue.some(({ stepId }) => stepId === effect.stepId)) {
          this.#dispatch(run, effect, this.#parts.stepTasks.entry(started, effect, messageId, at));
        }
        return;
      case 'request_approval':
        this.#changes.send(approvalTaskEntry(started, effect, messageId));
        break;
      case 'set_timer': {
        const { timerId, dueAt, purpose } = effect;
        this.#changes.setTimer({ runId, timerId, dueAt, purpose });
        break;
      }
      case 'cancel_timer':
        this.#changes.cancelTimer(runId, effect.timerId);
        break;
      case 'cancel_timers':
        this.#changes.cancelTimers(runId);
        break;
      case 'withdraw_step':
        this.#changes.send(stepWithdrawal(started, effect));
        break;
      case 'withdraw_approval':
        this.#changes.send(approvalWithdrawal(started, effect));
        break;
      case 'start_child':
        this.#changes.send(startChildEntry(started, effect, messageId, at));
        break;
      case 'cancel_child':
        this.#changes.send(cancelChildEntry(started, effect, messageId, at));
        break;
      case 'notify_parent': {
        const parent = { runId: effect.parentRunId, stepId: effect.stepId };
        this.#changes.send(childEndedEntry(parent, runId, effect.outcome, messageId));
        break;
      }
    }
  }

  #dispatch(run: LoadedRun, effect: Extract<Effect, { type: 'dispatch_step' }>, entry: MessageEntry): void {
    const maxBytes = this.#parts.maxMessageBytes();
    const bytes = bytesOver(entry.payload, maxBytes);
    if (bytes === undefined) {
      this.#changes.send(entry);
      return;
    }
    const oversize = { what: `the task of state "${effect.state}"`, bytes, maxBytes };
    this.overdue.push({ run, stepId: effect.stepId, attempt: effect.attempt, oversize });
  }

  #touch(run: LoadedRun, event: RunEvent): void {
    let touched = this.#touched.get(run.runId);
    if (touched === undefined) {
      const isNew = run.state.kind === 'none';
      touched = { run, isNew, stepIds: new Set(), approvalIds: new Set() };
      this.#touched.set(run.runId, touched);
    }
    if ('stepId' in event) touched.stepIds.add(event.stepId);
    if ('approvalId' in event) touched.approvalIds.add(event.approvalId);
  }

  /** Writes the rows of what has changed. The last thing in the transaction. */
  flush(): void {
    for (const touched of this.#touched.values()) {
      this.#flushRun(touched);
      for (const stepId of touched.stepIds) {
        const step = stepView(touched.run.state, stepId);
        if (step !== undefined) this.#parts.store.putStep(touched.run.runId, step);
      }
      for (const approvalId of touched.approvalIds) this.#flushApproval(touched.run, approvalId);
      this.#parts.runs.snapshotIfDue(touched.run);
    }
  }

  #flushRun({ run, isNew }: Touched): void {
    const { state } = run;
    if (state.kind === 'none') return;
    const status = runStatus(state);
    if (isNew) this.#parts.store.addRun(state.started, status, state.seq, state.startedAt);
    const hasEnded = isEnded(status);
    if (isNew && !hasEnded) return;
    const view = hasEnded ? runView(state) : undefined;
    this.#parts.store.updateRun(run.runId, status, state.seq, view?.endedAt, view?.error);
  }

  #flushApproval(run: LoadedRun, approvalId: string): void {
    const view = approvalView(run.state, approvalId);
    if (view === undefined) return;
    const { workspace } = startedOf(run);
    this.#parts.store.putApproval(run.runId, {
      ...view,
      workspace,
      ...(view.closedAt === undefined ? {} : { decidedAt: view.closedAt }),
    });
  }
}

/**
 * An input over the limit is not kept: the event says null in its place, and the step fails at once with the code
 * that is not retried, so nobody asks for the input again.
 */
const withheldInput = (event: RunEvent, text: string) => {
  if (event.type !== 'step.scheduled' || event.action === 'human.approval') return undefined;
  if (bytesOver(text, maxStepPayloadBytes) === undefined) return undefined;
  const bytes = bytesOver(JSON.stringify(event.input), maxStepPayloadBytes);
  if (bytes === undefined) return undefined;
  const oversize = { what: `the input of state "${event.state}"`, bytes, maxBytes: maxStepPayloadBytes };
  const { stepId, attempt } = event;
  return { event: { ...event, input: null }, failure: { stepId, attempt, oversize } };
};
