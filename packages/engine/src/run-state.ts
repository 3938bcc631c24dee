/**
 * The state of a run: what its history has made true, and nothing else.
 *
 * 1. Immutable. Whatever grows with the run (scopes, steps, approvals) is a persistent map, so that an event costs
 *    the same in a long run as in a short one.
 * 2. `ready`, `forkable` and `closing` hold exactly what can go on at once; `open` exactly the steps that are not over. `decide`
 *    looks at these and never searches.
 * 3. Only `evolve` makes a state out of another.
 */

import type { TimerPurpose } from './command.js';
import type { ContextMap } from './context.js';
import type { StepError } from './error.js';
import type {
  Actor,
  Attempt,
  Failure,
  FailureOrigin,
  Instant,
  RunEnd,
  RunEvent,
  RunStarted,
  ScopePath,
} from './event.js';
import type { Json } from './json.js';
import type { PersistentMap } from './persistent-map.js';
import type { JoinMode, Path, StepAction } from './plan.js';
import type { StepStatus } from './run-status.js';
import type { Evaluation } from './world.js';

/** Nothing has been asked of this run yet. */
export interface NoRun {
  readonly kind: 'none';
  readonly seq: 0;
}

export type RunState = NoRun | Run;

export interface Run {
  readonly kind: 'run';
  /** Of the last event. */
  readonly seq: number;
  readonly started: RunStarted;
  readonly startedAt: Instant;
  readonly phase: Phase;
  /** Scopes that have not ended, parents before their children. */
  readonly scopes: PersistentMap<Scope>;
  /** Every step there ever was, by step id. */
  readonly steps: PersistentMap<Step>;
  /** Ids of the steps that are not over. */
  readonly open: PersistentMap<true>;
  /** Parallels and foreachs under way, by step id. */
  readonly joins: PersistentMap<Join>;
  /** Paths of the scopes that can go on at once, in the order in which they came to it. */
  readonly ready: PersistentMap<true>;
  /** Step ids of the joins that may start another child at once. */
  readonly forkable: PersistentMap<true>;
  /** Step ids of the joins whose children are being taken back. */
  readonly closing: PersistentMap<true>;
  readonly approvals: PersistentMap<Approval>;
  readonly signals: Signals;
  readonly counts: Counts;
  /** Refusals in the history. They are no events of the run's own making, and do not count against its limit. */
  readonly refusedCount: number;
  /** When the run last let others go first. */
  readonly yieldedAt?: Instant;
}

export type Phase =
  | { readonly kind: 'running' }
  | { readonly kind: 'paused'; readonly at: Instant; readonly actor: Actor; readonly reason?: string }
  /** Everything in flight is being taken back; nothing new begins. */
  | { readonly kind: 'ending'; readonly end: RunEnd }
  | { readonly kind: 'completed'; readonly at: Instant; readonly output: Json }
  | {
      readonly kind: 'failed';
      readonly at: Instant;
      readonly error: StepError;
      readonly origin?: FailureOrigin;
    }
  | { readonly kind: 'cancelled'; readonly at: Instant; readonly actor: Actor; readonly reason?: string }
  | { readonly kind: 'timed_out'; readonly at: Instant; readonly error: StepError };

/** Open steps by what they wait for; joins are not counted, their children are. */
export interface Counts {
  /** For a worker, a clock or a child run: these come without anybody's decision. */
  readonly moving: number;
  readonly approvals: number;
  readonly signals: number;
}

export interface Signals {
  /** Ids of all signals that have arrived, with the digest of each. */
  readonly seen: PersistentMap<string>;
  /** By signal name: what has arrived and not been taken, oldest first. */
  readonly kept: PersistentMap<PersistentMap<{ readonly payload: Json }>>;
  /** By signal name: ids of the steps that wait, longest first. */
  readonly waiting: PersistentMap<PersistentMap<true>>;
}

export interface Scope {
  readonly path: ScopePath;
  /** Absent for the root. */
  readonly parent?: { readonly stepId: string; readonly index: number };
  /** Of the innermost foreach that this scope is in. */
  readonly foreachIndex?: number;
  /** What the scope sees: its own writes over its parent's context as it was at the fork. */
  readonly context: ContextMap;
  /** What the scope wrote itself; of the root, which hands them to nobody: empty. */
  readonly writes: ContextMap;
  /** How often each state was entered. */
  readonly visits: PersistentMap<number>;
  /** How often each state was entered again since something last came from outside. */
  readonly idleVisits: PersistentMap<number>;
  readonly cursor: Cursor;
  /** What a worker has evaluated for the state, or the scope's end, that the cursor stands before. */
  readonly answers?: readonly Evaluation[];
  /** Output of the last state here that had one. */
  readonly previous?: { readonly output: Json };
}

export type Cursor =
  /** The state has not been entered. */
  | { readonly kind: 'ready'; readonly state: string }
  | { readonly kind: 'at'; readonly stepId: string }
  /** The step failed; what follows from it is recorded by the same decision. */
  | { readonly kind: 'failing'; readonly stepId: string }
  /** The last state is over; the end of the scope has not been recorded. */
  | { readonly kind: 'finished' };

export type StepKind =
  | 'operation'
  /** Not a state of its own: a worker evaluates what one asks. */
  | 'evaluation'
  | 'switch'
  | 'parallel'
  | 'foreach'
  | 'inject'
  | 'transform'
  | 'wait'
  | 'signal'
  | 'workflow';

/** Plain data throughout: a snapshot holds it as it is. A property that is undefined is the same as one that is absent. */
export interface Step {
  readonly stepId: string;
  readonly scope: ScopePath;
  readonly state: string;
  readonly visit: number;
  readonly kind: StepKind;
  readonly action?: StepAction;
  /** Who executes the action; absent where a person decides. */
  readonly target?: 'worker' | 'agent' | 'evaluator';
  readonly status: StepStatus;
  readonly attempt: Attempt;
  /** Of the present attempt. */
  readonly scheduledAt: Instant;
  readonly startedAt?: Instant;
  readonly endedAt?: Instant;
  readonly worker?: string;
  /** Of the present attempt, by the ids that its workers gave them: more than one where its holder died. */
  readonly beginnings?: readonly string[];
  /** Of the last attempt that failed; gone after a success. */
  readonly error?: StepError;
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
  readonly output?: Json;
  /** The timer that the step waits with; of a step that is over: the last one it had. */
  readonly timer?: Timer;
  readonly childRunId?: string;
  /** Absent once the step is over. */
  readonly open?: OpenStep;
}

export interface Timer {
  readonly timerId: string;
  readonly dueAt: Instant;
  readonly purpose: TimerPurpose;
}

interface GoesOn {
  readonly resultPath: Path;
  readonly next: string | null;
}

export interface Dispatch extends GoesOn {
  readonly target: 'worker' | 'agent' | 'evaluator';
  readonly input: Json;
  readonly outputValidation: 'warn' | 'strict';
}

export type OpenStep =
  /** A worker has it, or will. */
  | ({ readonly kind: 'dispatched' } & Dispatch)
  /** An attempt has failed; whether there is another is recorded by the same decision. */
  | ({ readonly kind: 'failed' } & Dispatch)
  | ({ readonly kind: 'retrying' } & Dispatch)
  /** `input` is there until the request, which the same decision makes of it, is recorded. */
  | ({ readonly kind: 'approval'; readonly input?: Json } & GoesOn)
  | { readonly kind: 'join' }
  | { readonly kind: 'wait'; readonly next: string | null }
  | ({ readonly kind: 'signal'; readonly signal: string } & GoesOn)
  | ({
      readonly kind: 'workflow';
      readonly workflow: string;
      readonly input: Json;
      readonly waits: boolean;
    } & GoesOn);

export type Outcome =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly error: StepError };

export interface Join {
  readonly stepId: string;
  readonly scope: ScopePath;
  readonly kind: 'parallel' | 'foreach';
  /** Path of each child: this, a slash, and the branch's name or the item's index. */
  readonly childPrefix: string;
  readonly total: number;
  /** Of a parallel; empty for a foreach. */
  readonly branches: readonly { readonly name: string; readonly start: string }[];
  /** Of a foreach. */
  readonly items?: { readonly path: Path; readonly name: string; readonly start: string };
  readonly mode: JoinMode;
  readonly toleratedFailures: number;
  readonly maxConcurrency: number;
  readonly resultPath: Path;
  readonly next: string | null;
  /** Children started so far: the indexes below this number. */
  readonly forkedCount: number;
  readonly succeededCount: number;
  readonly failedCount: number;
  /** Indexes of the children under way. */
  readonly live: PersistentMap<true>;
  /** By index. */
  readonly outcomes: PersistentMap<Outcome>;
  /** What is decided already, while the children under way are taken back: with a failure it fails, else it completes. */
  readonly closing?: { readonly failure?: Failure };
}

export type ApprovalStatus = 'PENDING' | 'APPROVED' | 'REJECTED' | 'EXPIRED' | 'CLOSED';

export interface Approval {
  readonly request: Extract<RunEvent, { type: 'approval.requested' }>;
  readonly status: ApprovalStatus;
  readonly requestedAt: Instant;
  readonly endorsements: readonly {
    readonly actor: Actor;
    readonly at: Instant;
    readonly comment?: string;
  }[];
  /** Present once the status is no longer PENDING. */
  readonly closedAt?: Instant;
  readonly decidedBy?: Actor;
  readonly comment?: string;
  readonly data?: Json;
}

export const initialState: RunState = { kind: 'none', seq: 0 };
