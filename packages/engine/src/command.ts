/** What can be asked of a run. `decide` answers each with events or with a refusal. */
import type { StepError } from './error.js';
import type { Actor, Attempt, Instant, RunStarted } from './event.js';
import type { Json } from './json.js';

export type TimerPurpose =
  | { readonly kind: 'retry_due'; readonly stepId: string; readonly attempt: Attempt }
  | { readonly kind: 'step_timeout'; readonly stepId: string; readonly attempt: Attempt }
  | { readonly kind: 'approval_expiry'; readonly stepId: string; readonly approvalId: string }
  | { readonly kind: 'wait_over'; readonly stepId: string }
  | { readonly kind: 'signal_timeout'; readonly stepId: string }
  | { readonly kind: 'run_timeout' }
  | { readonly kind: 'yield_over' }
  /** The history broke off in the middle of a decision (`interrupted.ts`): only who has taken in a log sets it. */
  | { readonly kind: 'interrupted' };

export type Command =
  | {
      readonly type: 'start';
      readonly runId: string;
      readonly workflow: RunStarted['workflow'];
      readonly workspace: string;
      readonly input: Json;
      readonly actor: Actor;
      readonly pins: RunStarted['pins'];
      readonly idempotencyKey?: string;
      readonly parent?: RunStarted['parent'];
      /** Present on a child run, with what its family may have. */
      readonly root?: RunStarted['root'];
      readonly maxFamilyRuns?: number;
    }
  | {
      readonly type: 'step_started';
      readonly stepId: string;
      readonly attempt: Attempt;
      /** One for each time that a worker begins the attempt, made by it: clocks do not tell beginnings apart. */
      readonly beginning: string;
      /** One of the same worker from which nothing has come: it has not been executed, and counts no more. */
      readonly replaces?: string;
      readonly startedAt: Instant;
      readonly worker: string;
    }
  /** The worker stops by order: what it has begun is begun anew by another, and that beginning counts no more. */
  | {
      readonly type: 'step_given_back';
      readonly stepId: string;
      readonly attempt: Attempt;
      readonly beginning: string;
      readonly worker: string;
    }
  | {
      readonly type: 'step_succeeded';
      readonly stepId: string;
      readonly attempt: Attempt;
      readonly startedAt?: Instant;
      readonly worker?: string;
      readonly output: Json;
      readonly warnings?: readonly { readonly code: string; readonly message: string }[];
    }
  | {
      readonly type: 'step_failed';
      readonly stepId: string;
      readonly attempt: Attempt;
      readonly startedAt?: Instant;
      readonly worker?: string;
      readonly error: StepError;
    }
  | {
      readonly type: 'approval_decision';
      readonly approvalId: string;
      readonly decision: 'approve' | 'reject';
      readonly actor: Actor;
      readonly comment?: string;
      readonly data?: Json;
    }
  /** The approval service refused somebody's decision; recorded, changes nothing. */
  | {
      readonly type: 'approval_refusal';
      readonly approvalId: string;
      readonly actor: Actor;
      readonly code: string;
      readonly message: string;
    }
  | { readonly type: 'timer_fired'; readonly purpose: TimerPurpose }
  | { readonly type: 'pause'; readonly actor: Actor; readonly reason?: string }
  | { readonly type: 'resume'; readonly actor: Actor }
  | { readonly type: 'cancel'; readonly actor: Actor; readonly reason?: string }
  | {
      readonly type: 'signal';
      readonly signal: string;
      readonly signalId: string;
      readonly payload: Json;
      readonly actor: Actor;
    }
  /** The run cannot go on, through no state of its own: what it would record next cannot be sent, for one. */
  | { readonly type: 'give_up'; readonly error: StepError }
  /** A child run has ended. */
  | {
      readonly type: 'child_ended';
      readonly stepId: string;
      readonly childRunId: string;
      readonly outcome:
        | { readonly ok: true; readonly output: Json }
        | { readonly ok: false; readonly error: StepError };
    };

export type RefusalCode =
  | 'RUN_NOT_FOUND'
  | 'RUN_ALREADY_STARTED'
  | 'RUN_NOT_ACTIVE'
  | 'RUN_ALREADY_PAUSED'
  | 'RUN_NOT_PAUSED'
  | 'STALE_ATTEMPT'
  | 'STEP_NOT_FOUND'
  | 'APPROVAL_NOT_FOUND'
  | 'APPROVAL_ALREADY_DECIDED'
  | 'APPROVER_ALREADY_COUNTED'
  | 'SIGNAL_ALREADY_RECEIVED'
  | 'SIGNAL_ID_REUSED'
  | 'PAYLOAD_TOO_LARGE'
  | 'SIGNAL_PAYLOAD_INVALID'
  | 'SIGNAL_UNKNOWN'
  | 'SIGNAL_LIMIT'
  | 'TIMER_NOT_WANTED';
