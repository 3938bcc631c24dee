/**
 * Compares what the database says is in flight with what lies in the task queue, and sends again what was lost.
 *
 * 1. An attempt is lost when its task is not in the queue, no answer to it is, and it is in flight even after both
 *    have been looked at: an answer that left the queue meanwhile has been recorded.
 * 2. What is sent again says so: who claims it asks whether it is done before doing it.
 * 3. What lies in the queue although it reaches nobody any more is taken away first (`claimed-tasks.ts`), so that rule 1
 *    finds what was lost with it.
 * 4. A child that nobody waits for any more is cancelled again while it runs.
 * 5. Of a request of an approval, and of a child that nobody waits for, nothing tells whether it was taken or lost:
 *    they are sent again when the stream is another one than they were sent into.
 * 6. Only what was stored once is looked for: the relay itself sees to what it has not published yet.
 * 7. What was sent since the last look is left to the next one: most of it is over by then.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  familyOfChild,
  type PendingDispatch,
  pendingDispatch,
  type RecordedEvent,
  runOutcome,
  waitsForChild,
} from '@signalbox/engine';
import { type RunKey, runKeyOf, runOfKey, taskSubjects } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import { ClaimedTasks } from './claimed-tasks.js';
import type { Relay } from './relay.js';
import { runFields } from './run-fields.js';
import { type LoadedRun, type Runs, startedOf } from './runs.js';
import { firstPlace, type InFlightRow, type InFlightStore, type OpenRun } from './store/in-flight-store.js';
import type { MessageEntry } from './store/outbox-store.js';
import type { TaskQueue } from './task-queue.js';
import type { BatchInput } from './wire/input-codec.js';
import type { StepTasks } from './wire/step-tasks.js';
import {
  approvalTaskEntry,
  cancelChildEntry,
  childEndedEntry,
  startChildEntry,
  subjectsOfAttempt,
} from './wire/task-codec.js';

export interface InFlightParts {
  readonly queue: TaskQueue;
  readonly store: InFlightStore;
  /** A run that is left alone is there, and not found. */
  readonly runs: Pick<Runs, 'find' | 'has'>;
  readonly stepTasks: StepTasks;
  readonly relay: Relay;
  /** Commits what came by another way than a delivery; false when that was stopped. */
  readonly submit: (inputs: readonly BatchInput[]) => Promise<boolean>;
  readonly logger: Logger;
  readonly now: () => number;
}

type AttemptRow = Omit<InFlightRow, 'kind'>;

const runsAtOnce = 100;
const checksAtOnce = 32;
/** Of one look; the next goes on where it ended. */
const maxChecks = 10_000;

export class InFlight {
  readonly #parts: InFlightParts;
  readonly #claimed: ClaimedTasks;
  #place = firstPlace;
  /** When the last look began; everything is looked for where it says nothing. */
  #lookedAt: number | undefined;

  constructor(parts: InFlightParts) {
    this.#parts = parts;
    this.#claimed = new ClaimedTasks(parts);
  }

  /** The server may count anew: what was seen in its queue says nothing any more. */
  forget(): void {
    this.#claimed.forget();
    this.#place = firstPlace;
    this.#lookedAt = undefined;
  }

  /** It is worth looking again soon. */
  get isDoubtful(): boolean {
    return this.#parts.queue.isDoubtful;
  }

  /** Looks once, at everything or as far as one look goes. @throws TransientError */
  async look(): Promise<void> {
    const { queue, relay, store, now, logger } = this.#parts;
    const startedAt = now();
    const before = Math.min(this.#lookedAt ?? startedAt, startedAt);
    await relay.settled();
    for (const consumer of await queue.mendConsumers())
      logger.warn('a consumer had passed numbers that the stream gives again, and was made anew', {
        consumer,
      });
    await this.#claimed.look();
    await this.#lookAtStream();
    let checkCount = 0;
    for (;;) {
      const runs = store.runsAfter(this.#place, runsAtOnce);
      const last = runs.at(-1);
      if (last === undefined) break;
      this.#place = last;
      const checks = runs.flatMap((run) => [
        ...store.stepsOf(run.runKey, before).map((row) => () => this.#check(row)),
        ...(run.parentRunId === null ? [] : [() => this.#checkWanted(run)]),
      ]);
      for (let from = 0; from < checks.length; from += checksAtOnce)
        await Promise.all(checks.slice(from, from + checksAtOnce).map((check) => check()));
      checkCount += checks.length;
      if (checkCount >= maxChecks) return;
      await nextTurn();
    }
    this.#place = firstPlace;
    this.#lookedAt = startedAt;
  }

  async #check({ kind, ...row }: InFlightRow): Promise<void> {
    if (kind === 'workflow') {
      await this.#checkChild(row);
      return;
    }
    const { tasks, answers } = subjectsOfAttempt(runOfKey(row.runKey), { ...row, kind });
    // The task leaves the queue after its answer has come: asked the other way round, both could be missed.
    for (const subject of tasks) if (await this.#lies(subject)) return;
    if ((await Promise.all(answers.map((subject) => this.#lies(subject)))).includes(true)) return;
    const found = this.#pending(row);
    if (found?.pending.type !== 'dispatch_step') return;
    await this.#sendAgain(
      row,
      this.#parts.stepTasks.entry(startedOf(found.run), found.pending, this.#newId(row), row.scheduledAt),
    );
  }

  async #checkChild(row: AttemptRow): Promise<void> {
    const asked = this.#pending(row);
    if (asked?.pending.type !== 'start_child') return;
    const entry = this.#entryOfChild(asked.run, asked.pending, row);
    if (entry === undefined || (await this.#lies(entry.subject))) return;
    // Looked at again: the child may have begun, or its end may have been recorded, while the queue was asked.
    const found = this.#pending(row);
    if (found?.pending.type !== 'start_child') return;
    if (this.#entryOfChild(found.run, found.pending, row)?.subject === entry.subject)
      await this.#sendAgain(row, entry);
  }

  /** What must be waiting for a child that is waited for: its start, or the notice of its end; neither while it runs. */
  #entryOfChild(
    parent: LoadedRun,
    pending: Extract<PendingDispatch, { type: 'start_child' }>,
    row: AttemptRow,
  ): MessageEntry | undefined {
    const { workspace, runId } = runOfKey(row.runKey);
    const { runs } = this.#parts;
    const childKey = runKeyOf({ workspace, runId: pending.childRunId });
    const id = this.#newId(row);
    if (!runs.has(childKey)) return startChildEntry(startedOf(parent), pending, id, row.scheduledAt);
    const child = runs.find(childKey);
    const outcome = child && runOutcome(child.state);
    if (outcome === undefined) return undefined;
    return childEndedEntry({ workspace, runId, stepId: row.stepId }, pending.childRunId, outcome, id);
  }

  /** A child run whose parent has gone on without it, and whose cancel was lost. */
  async #checkWanted({ runKey }: OpenRun): Promise<void> {
    const { workspace, runId } = runOfKey(runKey);
    if (this.#leftBy(runKey) === undefined || (await this.#lies(taskSubjects.ownRun(workspace, runId))))
      return;
    // Looked at again: the child may have been cancelled while the queue was asked.
    const parent = this.#leftBy(runKey);
    if (parent === undefined) return;
    const now = this.#parts.now();
    const id = `${runKey}/cancel/again/${now}`;
    await this.#repeat(
      runFields(runKey),
      cancelChildEntry(startedOf(parent), { childRunId: runId }, id, now),
    );
  }

  /** The parent of a child run that has not ended, when that does not wait for it any more. */
  #leftBy(childKey: RunKey): LoadedRun | undefined {
    const child = this.#parts.runs.find(childKey);
    if (child === undefined || runOutcome(child.state) !== undefined) return undefined;
    const { workspace, runId, parent: at } = startedOf(child);
    const parent = at && this.#parts.runs.find(runKeyOf({ workspace, runId: at.runId }));
    return at === undefined || parent === undefined || waitsForChild(parent.state, at.stepId, runId)
      ? undefined
      : parent;
  }

  /** Nothing of what was sent into another stream is in this one. */
  async #lookAtStream(): Promise<void> {
    const { queue, store, runs } = this.#parts;
    const streamId = await queue.streamId();
    if (store.tasksStreamId() === streamId) return;
    for (const { runKey, stepId } of store.pendingApprovals()) {
      const run = runs.find(runKey);
      const pending = run && pendingApproval(run, stepId);
      if (run === undefined || pending === undefined) continue;
      const id = `${runKey}/${pending.request.approvalId}/again/${streamId}`;
      const entry = approvalTaskEntry(startedOf(run), pending, id);
      if (!(await this.#lies(entry.subject)))
        await this.#repeat({ ...runFields(runKey), step_id: stepId }, entry);
    }
    for (const { runKey, recorded } of store.detachedStarts())
      await this.#checkDetached(runKey, recorded, streamId);
    store.setTasksStreamId(streamId);
  }

  async #checkDetached(runKey: RunKey, { event, at }: RecordedEvent, streamId: string): Promise<void> {
    const { runs } = this.#parts;
    const run = runs.find(runKey);
    if (run === undefined || event.type !== 'state.entered' || event.kind !== 'workflow' || event.waits)
      return;
    const { stepId, childRunId, workflow, input } = event;
    const started = startedOf(run);
    const id = `${runKey}/${stepId}/start/again/${streamId}`;
    const child = { stepId, childRunId, workflow, input, linked: false, ...familyOfChild(started) };
    const entry = startChildEntry(started, child, id, at);
    const childKey = runKeyOf({ ...runOfKey(runKey), runId: childRunId });
    const isThere = (): boolean => runs.has(childKey);
    if (isThere() || (await this.#lies(entry.subject)) || isThere()) return;
    await this.#repeat({ ...runFields(runKey), step_id: stepId }, entry);
  }

  #newId({ runKey, stepId, attempt }: AttemptRow): string {
    return `${runKey}/${stepId}/${attempt}/again/${this.#parts.now()}`;
  }

  async #lies(subject: string): Promise<boolean> {
    return (await this.#parts.queue.last(subject)) !== undefined;
  }

  /** The run with what it waits for there; undefined when that is over. */
  #pending(row: AttemptRow): { readonly run: LoadedRun; readonly pending: PendingDispatch } | undefined {
    const run = this.#parts.runs.find(row.runKey);
    const pending = run === undefined ? undefined : pendingOf(run, row);
    return run === undefined || pending === undefined ? undefined : { run, pending };
  }

  #sendAgain({ runKey, stepId, attempt }: AttemptRow, entry: MessageEntry): Promise<void> {
    return this.#repeat({ ...runFields(runKey), step_id: stepId, attempt }, entry);
  }

  async #repeat(about: Readonly<Record<string, string | number>>, entry: MessageEntry): Promise<void> {
    const { subject } = entry;
    this.#parts.logger.warn('something in flight was lost and is sent again', { ...about, subject });
    await this.#parts.relay.repeat(entry);
  }
}

const pendingApproval = ({ state }: LoadedRun, stepId: string) => {
  const pending = pendingDispatch(state, stepId);
  return pending?.type === 'request_approval' ? pending : undefined;
};

const pendingOf = ({ state }: LoadedRun, { stepId, attempt }: AttemptRow): PendingDispatch | undefined => {
  const pending = pendingDispatch(state, stepId);
  if (pending?.type === 'dispatch_step') return pending.attempt === attempt ? pending : undefined;
  return pending?.type === 'start_child' && pending.linked ? pending : undefined;
};
