/**
 * Records events of runs: history, state, effects and rows, all in the transaction of one batch.
 *
 * 1. Events in, rows and messages out: whatever `decide` has decided is recorded as it is.
 * 2. Nothing is written that the server would not take: every message is measured before its row. `decide` sees to it
 *    that none is too large; should one be all the same, recording stops in front of it and says so, and the run that
 *    caused it is given up.
 * 3. Rows are written once a batch for each run, step and approval, from the state after the last event.
 */
import {
  type Effect,
  evolve,
  type RecordedEvent,
  type RunEvent,
  type RunState,
  react,
} from '@signalbox/engine';
import type { Changes } from './changes.js';
import { type LoadedRun, type Runs, startedOf } from './runs.js';
import type { MessageEntry } from './store/outbox-store.js';
import type { RunStore } from './store/run-store.js';
import { TouchedRuns } from './touched-runs.js';
import { dataTextOf, encodeRunEvent } from './wire/event-codec.js';
import type { StepTasks } from './wire/step-tasks.js';
import {
  approvalTaskEntry,
  approvalWithdrawal,
  cancelChildEntry,
  childEndedEntry,
  startChildEntry,
  stepWithdrawal,
} from './wire/task-codec.js';

export interface RecorderParts {
  readonly runs: Runs;
  readonly store: RunStore;
  readonly stepTasks: StepTasks;
  /** Largest data of a message, with room for its headers. */
  readonly maxMessageBytes: () => number;
}

export interface Recordable {
  readonly events: readonly RunEvent[];
  /** After each of the events, where that is known already. */
  readonly states?: readonly RunState[];
}

/** A message that cannot be sent, and by how much. */
export interface Unsendable {
  readonly what: string;
  readonly bytes: number;
  readonly maxBytes: number;
}

/** Bytes of UTF-8 above the limit, counted only where the text may be near it. */
const bytesOver = (text: string, maxBytes: number): number | undefined => {
  if (text.length * 3 <= maxBytes) return undefined;
  const bytes = Buffer.byteLength(text);
  return bytes > maxBytes ? bytes : undefined;
};

/** One for each batch. */
export class Recorder {
  readonly #parts: RecorderParts;
  readonly #changes: Changes;
  readonly #touched: TouchedRuns;

  constructor(parts: RecorderParts, changes: Changes) {
    this.#parts = parts;
    this.#changes = changes;
    this.#touched = new TouchedRuns(parts.runs, parts.store);
  }

  /** Records the events in their order. What it returns has not been recorded or sent, nor has anything behind it. */
  record(
    run: LoadedRun,
    { events, states }: Recordable,
    at: number,
    causationId?: string,
  ): Unsendable | undefined {
    for (const [index, event] of events.entries()) {
      const recorded = { seq: run.state.seq + 1, at, event };
      const state = states?.[index] ?? evolve(run.state, recorded);
      const unsendable = this.#write(run, recorded, state, causationId);
      if (unsendable !== undefined) return unsendable;
    }
    return undefined;
  }

  #write(
    run: LoadedRun,
    recorded: RecordedEvent,
    state: RunState,
    causationId: string | undefined,
  ): Unsendable | undefined {
    const { seq, at, event } = recorded;
    const dataText = dataTextOf(recorded);
    const message = encodeRunEvent(run.runKey, recorded, causationId, dataText);
    const unsendable = this.#excess(`the event ${event.type}`, message.data);
    if (unsendable !== undefined) return unsendable;
    this.#parts.store.append(run.runKey, seq, at, event.type, dataText, causationId);
    this.#changes.events.push(message);
    this.#touched.touch(run, event);
    this.#parts.runs.keep(run);
    run.state = state;
    for (const [index, effect] of react(state, recorded).entries()) {
      const unsent = this.#perform(run, effect, `${run.runKey}/${seq}/${index}`, at);
      if (unsent !== undefined) return unsent;
    }
    return undefined;
  }

  #excess(what: string, text: string): Unsendable | undefined {
    const maxBytes = this.#parts.maxMessageBytes();
    const bytes = bytesOver(text, maxBytes);
    return bytes === undefined ? undefined : { what, bytes, maxBytes };
  }

  #perform(run: LoadedRun, effect: Effect, messageId: string, at: number): Unsendable | undefined {
    const { runKey } = run;
    const started = startedOf(run);
    switch (effect.type) {
      case 'dispatch_step':
        return this.#dispatch(effect.state, this.#parts.stepTasks.entry(started, effect, messageId, at));
      case 'request_approval':
        return this.#send('the request of an approval', approvalTaskEntry(started, effect, messageId));
      case 'start_child':
        return this.#send('the start of a child run', startChildEntry(started, effect, messageId, at));
      case 'cancel_child':
        return this.#send('the cancel of a child run', cancelChildEntry(started, effect, messageId, at));
      case 'notify_parent': {
        const parent = { workspace: started.workspace, runId: effect.parentRunId, stepId: effect.stepId };
        return this.#send(
          'the news for the parent',
          childEndedEntry(parent, started.runId, effect.outcome, messageId),
        );
      }
      case 'set_timer': {
        const { timerId, dueAt, purpose } = effect;
        this.#changes.setTimer({ runKey, timerId, dueAt, purpose });
        return undefined;
      }
      case 'cancel_timer':
        this.#changes.cancelTimer(runKey, effect.timerId);
        return undefined;
      case 'cancel_timers':
        this.#changes.cancelTimers(runKey);
        return undefined;
      case 'withdraw_step':
        this.#changes.send(stepWithdrawal(started, effect));
        return undefined;
      case 'withdraw_approval':
        this.#changes.send(approvalWithdrawal(started, effect));
        return undefined;
    }
  }

  #send(what: string, entry: MessageEntry): Unsendable | undefined {
    const unsendable = this.#excess(what, entry.payload);
    if (unsendable === undefined) this.#changes.send(entry);
    return unsendable;
  }

  #dispatch(state: string, task: MessageEntry): Unsendable | undefined {
    const unsendable = this.#excess(`the task of state "${state}"`, task.payload);
    if (unsendable === undefined) this.#changes.dispatch(task);
    return unsendable;
  }

  /** Writes the rows of what has changed. The last thing in the transaction. */
  flush(): void {
    this.#touched.flush();
  }
}
