/** What must be done about an event. Derived from recorded events alone, so the outbox is `react(history)`. */
import type { TimerPurpose } from './command.js';
import type { Attempt, Instant, RootOfChild, RunEvent } from './event.js';
import type { Json } from './json.js';
import type { RunOutcome } from './run-outcome.js';

export type Effect =
  | {
      readonly type: 'dispatch_step';
      readonly stepId: string;
      readonly attempt: Attempt;
      readonly scope: string;
      readonly state: string;
      readonly action: string;
      readonly target: 'worker' | 'agent' | 'evaluator';
      readonly input: Json;
      readonly outputValidation: 'warn' | 'strict';
      readonly timeoutAt?: Instant;
    }
  | { readonly type: 'request_approval'; readonly request: Extract<RunEvent, { type: 'approval.requested' }> }
  /** `timerId` is unique in the run; setting one that exists replaces it. */
  | {
      readonly type: 'set_timer';
      readonly timerId: string;
      readonly dueAt: Instant;
      readonly purpose: TimerPurpose;
    }
  | { readonly type: 'cancel_timer'; readonly timerId: string }
  /** The run is over: none of its timers is wanted any more. */
  | { readonly type: 'cancel_timers' }
  /** Take back the task of this attempt, if no worker has claimed it yet. */
  | {
      readonly type: 'withdraw_step';
      readonly stepId: string;
      readonly attempt: Attempt;
      readonly target: 'worker' | 'agent' | 'evaluator';
    }
  /** Take back the request for a decision, if it has not been announced yet. */
  | { readonly type: 'withdraw_approval'; readonly approvalId: string }
  | {
      readonly type: 'start_child';
      readonly stepId: string;
      readonly childRunId: string;
      readonly workflow: string;
      readonly input: Json;
      /** False: the child has no parent link and outlives this run. */
      readonly linked: boolean;
      /** Above the child, and how many runs its family may have. */
      readonly root: RootOfChild;
      readonly maxFamilyRuns: number;
    }
  | { readonly type: 'cancel_child'; readonly childRunId: string }
  | {
      readonly type: 'notify_parent';
      readonly parentRunId: string;
      readonly stepId: string;
      readonly outcome: RunOutcome;
    };
