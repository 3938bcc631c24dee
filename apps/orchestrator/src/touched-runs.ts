/** The rows of runs, steps and approvals, written once a batch for each, from the state after the last event. */
import {
  approvalView,
  isEnded,
  type RunEvent,
  type RunStatus,
  runStatus,
  runView,
  startsChild,
  stepView,
} from '@signalbox/engine';
import type { RunKey } from '@signalbox/protocol';
import { type LoadedRun, type Runs, rootKeyOf, startedOf } from './runs.js';
import type { RunStore } from './store/run-store.js';

interface Touched {
  readonly run: LoadedRun;
  readonly isNew: boolean;
  /** After the events that were noted so far; undefined before the first of a run. */
  status: RunStatus | undefined;
  /** Of the last event in this transaction that has changed the status, however the events were cut into transactions; 0 without one. */
  changedSeq: number;
  readonly stepIds: Set<string>;
  /** Most runs have none. */
  approvalIds: Set<string> | undefined;
}

/** One for each batch. */
export class TouchedRuns {
  readonly #runs: Runs;
  readonly #store: RunStore;
  readonly #touched = new Map<RunKey, Touched>();

  constructor(runs: Runs, store: RunStore) {
    this.#runs = runs;
    this.#store = store;
  }

  /** To be called before the run's state has the event in it. */
  touch(run: LoadedRun, event: RunEvent): void {
    let touched = this.#touched.get(run.runKey);
    if (touched === undefined) {
      const status = run.state.kind === 'none' ? undefined : runStatus(run.state);
      const isNew = status === undefined;
      touched = { run, isNew, status, changedSeq: 0, stepIds: new Set(), approvalIds: undefined };
      this.#touched.set(run.runKey, touched);
    } else noteStatus(touched);
    if ('stepId' in event) touched.stepIds.add(event.stepId);
    // At once: the next decision of the same transaction asks for it.
    if (startsChild(event)) this.#store.addChildRun(rootKeyOf(startedOf(run)));
    if (!('approvalId' in event)) return;
    touched.approvalIds ??= new Set();
    touched.approvalIds.add(event.approvalId);
  }

  *runs(): Generator<LoadedRun> {
    for (const { run } of this.#touched.values()) yield run;
  }

  /** Writes the rows of what has changed. The last thing in the transaction. */
  flush(): void {
    for (const touched of this.#touched.values()) {
      const { run } = touched;
      const hasEnded = this.#flushRun(touched);
      if (hasEnded) this.#store.dropOpenSteps(run.runKey);
      else for (const stepId of touched.stepIds) this.#flushStep(run, stepId);
      for (const approvalId of touched.approvalIds ?? []) this.#flushApproval(run, approvalId);
      this.#runs.snapshotIfDue(run);
    }
  }

  /** Says whether it has ended. */
  #flushRun(touched: Touched): boolean {
    noteStatus(touched);
    const { run, isNew, status, changedSeq } = touched;
    const { state } = run;
    if (state.kind === 'none' || status === undefined) return false;
    const hasEnded = isEnded(status);
    if (changedSeq === 0) return hasEnded;
    if (isNew) this.#store.addRun(state.started, status, changedSeq, state.startedAt);
    if (isNew && !hasEnded) return false;
    const view = hasEnded ? runView(state) : undefined;
    this.#store.updateRun(run.runKey, status, changedSeq, view?.endedAt, view?.error);
    return hasEnded;
  }

  #flushStep({ runKey, state }: LoadedRun, stepId: string): void {
    const step = stepView(state, stepId);
    if (step === undefined) return;
    if (step.endedAt === undefined) this.#store.putOpenStep(runKey, step);
    else this.#store.dropOpenStep(runKey, stepId);
  }

  #flushApproval(run: LoadedRun, approvalId: string): void {
    const view = approvalView(run.state, approvalId);
    if (view === undefined) return;
    this.#store.putApproval(run.runKey, {
      ...view,
      ...(view.closedAt === undefined ? {} : { decidedAt: view.closedAt }),
    });
  }
}

/** The state has the last event of those that were noted. */
const noteStatus = (touched: Touched): void => {
  const { state } = touched.run;
  if (state.kind === 'none') return;
  const status = runStatus(state);
  if (status === touched.status) return;
  touched.status = status;
  touched.changedSeq = state.seq;
};
