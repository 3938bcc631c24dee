/**
 * Runs as they are now: the state of each comes from the cache, else from its snapshot and the events behind it.
 *
 * 1. What is in the cache is the fold of what the database holds: it changes only inside a transaction. One that is
 *    rolled back takes its changes of the cache back with it; one that fails ends the process.
 * 2. Nothing is evicted inside a transaction, so a batch never holds a run twice.
 * 3. A snapshot is written when the history is twice as long as at the last one: all snapshots of a run together
 *    cost what its history costs.
 */
import {
  InvariantViolation as EngineViolation,
  evolve,
  initialState,
  type Plan,
  type RunStarted,
  type RunState,
  restore,
  rootRunIdOf,
  snapshot,
} from '@signalbox/engine';
import { InvariantViolation } from '@signalbox/messaging';
import { type RunKey, runKeyOf, runOfKey } from '@signalbox/protocol';
import { LruMap } from './lru-map.js';
import type { AgentStore, WorkflowStore } from './store/catalog-store.js';
import type { RunStore } from './store/run-store.js';

export interface LoadedRun {
  readonly runKey: RunKey;
  /** Undefined where this release cannot compile the definition, and `problem` says why. */
  readonly plan: Plan | undefined;
  /** Why this release cannot go on with the run: its definition, or an agent that it has pinned, does not compile. */
  readonly problem?: string | undefined;
  state: RunState;
  snapshotSeq: number;
}

const maxCachedRuns = 5_000;
const maxCachedPlans = 500;
/** Below this length a history is folded as fast as a snapshot is read. */
const minSnapshotSeq = 512;

/** What the database has of one run does not fit together: a part of it was lost or put back, or another database's was mixed in. */
export class BrokenHistory extends InvariantViolation {}

export class Runs {
  readonly #store: RunStore;
  readonly #workflows: WorkflowStore;
  readonly #agents: AgentStore;
  readonly #cache = new LruMap<RunKey, LoadedRun>(maxCachedRuns);
  readonly #plans = new LruMap<string, Plan>(maxCachedPlans);
  /** As they were before the transaction; undefined: not there. */
  readonly #before = new Map<LoadedRun, { state: RunState; snapshotSeq: number }>();

  /** Definitions and agents are put into the database only when they compile; others come with the log, at a start. */
  #hasProblems: boolean | undefined;

  constructor(store: RunStore, workflows: WorkflowStore, agents: AgentStore) {
    this.#store = store;
    this.#workflows = workflows;
    this.#agents = agents;
  }

  has(runKey: RunKey): boolean {
    return this.#store.find(runKey) !== undefined;
  }

  /** @throws BrokenHistory */
  find(runKey: RunKey): LoadedRun | undefined {
    const cached = this.#cache.get(runKey);
    if (cached !== undefined) return cached;
    const row = this.#store.find(runKey);
    if (row === undefined) return undefined;
    const plan = this.plan(row.workspace, row.workflowId, row.workflowVersion);
    const problemOfPlan =
      plan === undefined ? this.problemOfPlan(row.workspace, row.workflowId, row.workflowVersion) : undefined;
    if (plan === undefined && problemOfPlan === undefined)
      throw new BrokenHistory(`run ${runKey} has lost its plan`);
    const stored = this.#store.snapshot(runKey);
    const state = this.#replayed(runKey, stored === undefined ? initialState : restored(stored.state));
    if (state.kind === 'none' || state.seq < row.seq)
      throw new BrokenHistory(
        `run ${runKey} has ${state.seq} events in its history, at least ${row.seq} by its row`,
      );
    const problem = problemOfPlan ?? this.problemOfAgents(row.workspace, state.started.pins.agents);
    return this.add({ runKey, plan, problem, state, snapshotSeq: stored?.seq ?? 0 });
  }

  #replayed(runKey: RunKey, from: RunState): RunState {
    let state = from;
    try {
      for (const recorded of this.#store.history(runKey, state.seq)) state = evolve(state, recorded);
    } catch (cause) {
      if (!(cause instanceof EngineViolation)) throw cause;
      throw new BrokenHistory(`the history of run ${runKey} is impossible: ${cause.message}`);
    }
    return state;
  }

  /** A run that this release cannot go on with. No lookup where it can compile every definition. */
  findUnusable(runKey: RunKey): { readonly run: LoadedRun; readonly problem: string } | undefined {
    const run = this.#mayBeUnusable() ? this.find(runKey) : undefined;
    return run?.problem === undefined ? undefined : { run, problem: run.problem };
  }

  #mayBeUnusable(): boolean {
    this.#hasProblems ??= this.#workflows.hasProblems() || this.#agents.hasProblems();
    return this.#hasProblems;
  }

  /** Called before a run is changed. */
  keep(run: LoadedRun): void {
    const { state, snapshotSeq } = run;
    if (!this.#before.has(run)) this.#before.set(run, { state, snapshotSeq });
  }

  /** What was changed since the last one is for good. */
  committed(): void {
    this.#before.clear();
  }

  rolledBack(): void {
    for (const [run, { state, snapshotSeq }] of this.#before) {
      run.state = state;
      run.snapshotSeq = snapshotSeq;
      if (state.kind === 'none') this.#cache.delete(run.runKey);
    }
    this.#before.clear();
  }

  add(run: LoadedRun): LoadedRun {
    this.#cache.set(run.runKey, run);
    return run;
  }

  /** Of the family that a run belongs to; one that is not there is its own. */
  rootKeyOf(runKey: RunKey): RunKey {
    const cached = this.#cache.get(runKey);
    if (cached !== undefined && cached.state.kind !== 'none') return rootKeyOf(cached.state.started);
    const runId = this.#store.rootRunIdOf(runKey);
    return runId === undefined ? runKey : runKeyOf({ ...runOfKey(runKey), runId });
  }

  plan(workspace: string, workflowId: string, version: number): Plan | undefined {
    const key = `${workspace}/${workflowId}/${version}`;
    const cached = this.#plans.get(key);
    if (cached !== undefined) return cached;
    const plan = this.#workflows.plan(workspace, workflowId, version);
    if (plan !== undefined) this.#plans.set(key, plan);
    return plan;
  }

  /** Why this release cannot go on with a run of it, as the end of a sentence. */
  problemOfPlan(workspace: string, workflowId: string, version: number): string | undefined {
    const problem = this.#workflows.problem(workspace, workflowId, version);
    return problem === undefined
      ? undefined
      : `version ${version} of workflow "${workflowId}" does not compile in this release: ${problem}`;
  }

  /** The same of the first of these agents, by name and version, that cannot be read. */
  problemOfAgents(workspace: string, pins: Readonly<Record<string, number>>): string | undefined {
    if (!this.#mayBeUnusable()) return undefined;
    for (const [name, version] of Object.entries(pins)) {
      const problem = this.#agents.problem(workspace, name, version);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** After the last event of a run in this transaction. */
  snapshotIfDue(run: LoadedRun): void {
    const { seq } = run.state;
    if (seq < Math.max(minSnapshotSeq, 2 * run.snapshotSeq)) return;
    this.#store.putSnapshot(run.runKey, seq, JSON.stringify(snapshot(run.state)));
    run.snapshotSeq = seq;
  }

  /** Outside a transaction only. */
  evict(): void {
    this.#cache.trim();
    this.#plans.trim();
  }
}

/** A snapshot that this release does not understand is no reason to stop: the history has it all. */
const restored = (text: string): RunState => {
  try {
    return restore(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof EngineViolation || cause instanceof SyntaxError) return initialState;
    throw cause;
  }
};

export const rootKeyOf = (started: RunStarted): RunKey =>
  runKeyOf({ workspace: started.workspace, runId: rootRunIdOf(started) });

/** The run's first event. @throws InvariantViolation before it. */
export const startedOf = ({ state, runKey }: LoadedRun): RunStarted => {
  if (state.kind === 'none') throw new InvariantViolation(`run ${runKey} has not started`);
  return state.started;
};
