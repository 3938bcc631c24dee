/**
 * The facts of a run, in the order in which they happened.
 *
 * 1. An event says all that `evolve` and `react` need: neither ever looks at the plan.
 * 2. Results of evaluation are in the event; replay evaluates nothing.
 * 3. No event's meaning is ever edited: a change is a new type or version, with an upcast.
 */
import type { StepError } from './error.js';
import type { Json } from './json.js';
import type { JoinMode, Path, StepAction } from './plan.js';

/** Milliseconds since the Unix epoch. */
export type Instant = number & { readonly __unit?: 'instant' };
export type DurationMs = number & { readonly __unit?: 'ms' };
/** Counted from 1. */
export type Attempt = number & { readonly __unit?: 'attempt' };

/** `user:alice`, `service:ci`, `system:orchestrator`. */
export type Actor = string;
/** Path of a scope: '' for the root, `diagnostics/pods`, `check_all/3`. A second visit of a state adds `#2` to its name. */
export type ScopePath = string;

export interface WorkflowRef {
  readonly id: string;
  /** The stored version, counted from 1. */
  readonly version: number;
  /** SHA-256 of the definition's source, hex. */
  readonly digest: string;
}

export interface AtStep {
  readonly stepId: string;
  readonly scope: ScopePath;
  readonly state: string;
  /** 1 at the first visit of the state in its scope. */
  readonly visit: number;
}

/** What ends a run that would not end by itself. */
export interface RunLimits {
  /** Events in all. */
  readonly maxEvents: number;
  /** Visits to one state of one scope without an event from outside between. */
  readonly maxStateVisits: number;
  /** Runs of a family: the root run's limit, which holds for all below it. */
  readonly maxFamilyRuns: number;
}

/** Above a child run, linked or not. */
export interface RootOfChild {
  /** Of the run that nobody started as a child. */
  readonly runId: string;
  /** How many runs stand between, with the root run; 1 for a child of it. */
  readonly depth: number;
}

export interface RunStarted {
  readonly type: 'run.started';
  readonly runId: string;
  readonly workflow: WorkflowRef;
  readonly workspace: string;
  readonly input: Json;
  readonly startedBy: Actor;
  /** Stored versions, fixed for the run's life: agent name → version. */
  readonly pins: { readonly agents: { readonly [name: string]: number } };
  /** As they were at the start: every process judges the run by these. */
  readonly limits: RunLimits;
  /** Name of the first state. */
  readonly start: string;
  readonly timeoutAt?: Instant;
  readonly idempotencyKey?: string;
  /** Present on a child run. */
  readonly parent?: { readonly runId: string; readonly stepId: string };
  /** Absent where the run is a root run itself. */
  readonly root?: RootOfChild;
}

/** Where a failed run failed. */
export interface FailureOrigin {
  readonly state: string;
  readonly scope: ScopePath;
  readonly stepId: string;
}

/** The end of a run that has not done all that its workflow says. */
export type RunEnd =
  | { readonly type: 'run.cancelled'; readonly actor: Actor; readonly reason?: string }
  | { readonly type: 'run.timed_out'; readonly error: StepError }
  | {
      readonly type: 'run.failed';
      readonly error: StepError;
      /** The step that failed first. Absent where none did, but the end of the run, or the run as a whole. */
      readonly origin?: FailureOrigin;
    };

/** A failure on its way outwards through the scopes. */
export interface Failure {
  /** As the failing scope sees it: a join's error says which child. */
  readonly error: StepError;
  /** The step that failed first; absent where it was the end of a scope, which is no step. */
  readonly originStepId?: string;
  /** Of the operation that failed first. */
  readonly originMaxAttempts?: number;
  /** Somebody rejected an approval: without a `catch` the run ends cancelled. */
  readonly rejectedBy?: { readonly actor: Actor; readonly comment?: string };
}

export type RunEvent =
  | RunStarted
  | { readonly type: 'run.paused'; readonly actor: Actor; readonly reason?: string }
  | { readonly type: 'run.resumed'; readonly actor: Actor }
  | RunEnd
  | {
      readonly type: 'run.completed';
      readonly output: Json;
      /** The output misses the workflow's `outputSchema`. */
      readonly warnings?: readonly { readonly code: string; readonly message: string }[];
    }
  /** So much is in flight that it is taken back in several decisions; then `end` is recorded, and nothing else may happen. */
  | { readonly type: 'run.ending'; readonly end: RunEnd }
  /** The run has more to do at once but lets others go first; a timer due now brings it back. */
  | { readonly type: 'run.yielded' }
  /** A command that the status does not allow. Changes nothing but the sequence. */
  | {
      readonly type: 'run.command_refused';
      readonly command: string;
      readonly code: string;
      readonly message: string;
      readonly actor?: Actor;
    }
  // States that no worker executes.
  | (AtStep & {
      readonly type: 'state.entered';
      readonly kind: 'parallel';
      readonly branches: readonly { readonly name: string; readonly start: string }[];
      readonly join: JoinMode;
      readonly maxConcurrency: number;
      readonly resultPath: Path;
      readonly next: string | null;
    })
  | (AtStep & {
      readonly type: 'state.entered';
      readonly kind: 'foreach';
      readonly itemsPath: Path;
      readonly itemName: string;
      readonly itemCount: number;
      readonly start: string;
      readonly maxConcurrency: number;
      readonly toleratedFailures: number;
      readonly resultPath: Path;
      readonly next: string | null;
    })
  | (AtStep & {
      readonly type: 'state.entered';
      readonly kind: 'wait';
      readonly dueAt: Instant;
      readonly next: string | null;
    })
  | (AtStep & {
      readonly type: 'state.entered';
      readonly kind: 'signal';
      readonly signal: string;
      readonly timeoutAt?: Instant;
      readonly resultPath: Path;
      readonly next: string | null;
    })
  | (AtStep & {
      readonly type: 'state.entered';
      readonly kind: 'workflow';
      readonly workflow: string;
      readonly childRunId: string;
      readonly input: Json;
      readonly waits: boolean;
      readonly resultPath: Path;
      readonly next: string | null;
    })
  /** The next children of a parallel or foreach begin: indexes `from` (inclusive) to `to` (exclusive). */
  | {
      readonly type: 'scopes.forked';
      readonly stepId: string;
      readonly scope: ScopePath;
      readonly from: number;
      readonly to: number;
    }
  | { readonly type: 'scope.completed'; readonly scope: ScopePath; readonly output?: Json }
  | { readonly type: 'scope.failed'; readonly scope: ScopePath; readonly error: StepError }
  /** The join is decided, and so many children are under way that they are taken back in several decisions. */
  | { readonly type: 'scopes.closing'; readonly stepId: string; readonly failure?: Failure }
  | { readonly type: 'scope.cancelled'; readonly scope: ScopePath }
  /** An instantaneous state (switch, inject, transform), or the end of an entered one (parallel, foreach, wait, signal, workflow). */
  | (AtStep & {
      readonly type: 'state.completed';
      readonly kind:
        | 'switch'
        | 'inject'
        | 'transform'
        | 'parallel'
        | 'foreach'
        | 'wait'
        | 'signal'
        | 'workflow';
      readonly next: string | null;
      /** Of a switch: index of the condition that was true; -1 for `defaultNext`. */
      readonly matched?: number;
      /** Absent for a switch, a wait, and for joins, whose output is what the children wrote. */
      readonly output?: Json;
      readonly resultPath?: Path;
    })
  | (AtStep & {
      readonly type: 'state.failed';
      /** `operation`: its input could not be made, so it was never scheduled. */
      readonly kind:
        | 'operation'
        | 'switch'
        | 'inject'
        | 'transform'
        | 'parallel'
        | 'foreach'
        | 'wait'
        | 'signal'
        | 'workflow';
      readonly error: StepError;
    })
  /** An author's `catch` took an error: the scope goes on at `next`. */
  | (AtStep & {
      readonly type: 'state.caught';
      readonly error: StepError;
      readonly next: string;
      readonly resultPath?: Path;
    })
  /** A signal arrived; kept until a state waits for it. */
  | {
      readonly type: 'signal.received';
      readonly signal: string;
      readonly signalId: string;
      readonly payload: Json;
      /** Of name and payload: tells a repetition from another signal under the same id. */
      readonly digest: string;
      readonly actor: Actor;
    }
  // Steps: states that a worker, an agent or a person executes, and evaluations (see `evaluation.ts`).
  | (AtStep & {
      readonly type: 'step.scheduled';
      readonly attempt: Attempt;
      /** `expression.evaluate`: the step is the evaluation of a state that is about to be entered, or of a scope's output. */
      readonly action: StepAction;
      readonly target: 'worker' | 'agent' | 'evaluator';
      /** The rendered input. On a retry it is the same as on the first attempt. */
      readonly input: Json;
      readonly timeoutAt?: Instant;
      readonly outputValidation: 'warn' | 'strict';
      readonly resultPath: Path;
      readonly next: string | null;
    })
  | {
      readonly type: 'step.started';
      readonly stepId: string;
      readonly attempt: Attempt;
      readonly beginning: string;
      readonly replaces?: string;
      readonly startedAt: Instant;
      readonly worker: string;
    }
  | {
      readonly type: 'step.given_back';
      readonly stepId: string;
      readonly attempt: Attempt;
      readonly beginning: string;
      readonly worker: string;
    }
  | {
      readonly type: 'step.succeeded';
      readonly stepId: string;
      readonly attempt: Attempt;
      readonly startedAt?: Instant;
      readonly worker?: string;
      readonly output: Json;
      readonly warnings?: readonly { readonly code: string; readonly message: string }[];
    }
  | {
      readonly type: 'step.failed';
      readonly stepId: string;
      readonly attempt: Attempt;
      readonly startedAt?: Instant;
      readonly worker?: string;
      readonly error: StepError;
    }
  | {
      readonly type: 'step.retry_scheduled';
      readonly stepId: string;
      /** The coming attempt. */
      readonly attempt: Attempt;
      readonly dueAt: Instant;
    }
  | {
      readonly type: 'step.exhausted';
      readonly stepId: string;
      readonly attempt: Attempt;
      readonly error: StepError;
    }
  /** An optional step failed for good: nothing is written and the scope goes on at `next`. */
  | {
      readonly type: 'step.skipped';
      readonly stepId: string;
      readonly error: StepError;
      readonly next: string | null;
    }
  /** Of any step that is not over: an operation, an approval, a join, a wait, a signal, a child run. */
  | { readonly type: 'step.cancelled'; readonly stepId: string }
  // Approvals. The step of an approval has been `step.scheduled` with action `human.approval` just before.
  | {
      readonly type: 'approval.requested';
      readonly approvalId: string;
      readonly stepId: string;
      readonly message: string;
      readonly summary?: Json;
      /** SHA-256 of the canonical JSON of message and summary, hex: a decision is bound to what was seen. */
      readonly summaryDigest: string;
      readonly approvers: readonly string[];
      readonly quorum: number;
      readonly allowRequester: boolean;
      readonly requestedBy: Actor;
      readonly onReject: 'cancel' | 'fail';
      readonly expiresAt?: Instant;
    }
  /** One of several approvals that the quorum asks for. */
  | {
      readonly type: 'approval.endorsed';
      readonly approvalId: string;
      readonly stepId: string;
      readonly actor: Actor;
      readonly comment?: string;
    }
  | {
      readonly type: 'approval.approved' | 'approval.rejected';
      readonly approvalId: string;
      readonly stepId: string;
      readonly actor: Actor;
      readonly comment?: string;
      readonly data?: Json;
    }
  | { readonly type: 'approval.expired'; readonly approvalId: string; readonly stepId: string }
  /** The run went on without the decision (cancelled, timed out, sibling failed). */
  | { readonly type: 'approval.closed'; readonly approvalId: string; readonly stepId: string }
  | {
      readonly type: 'approval.decision_refused';
      readonly approvalId: string;
      readonly actor: Actor;
      readonly code: string;
      readonly message: string;
    };

export type RunEventType = RunEvent['type'];

/** An event in its place in the run's history. */
export interface RecordedEvent {
  /** From 1, without a gap. */
  readonly seq: number;
  readonly at: Instant;
  readonly event: RunEvent;
}
