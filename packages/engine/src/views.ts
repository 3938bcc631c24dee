/** Plain views of a run's state: what rows, answers and screens are made of. */
import { plain } from './context.js';
import type { StepError } from './error.js';
import type { Actor, Attempt, FailureOrigin, Instant, RunStarted, ScopePath, WorkflowRef } from './event.js';
import type { Json } from './json.js';
import type { StepAction } from './plan.js';
import type { Approval, ApprovalStatus, RunState, StepKind } from './run-state.js';
import type { RunStatus, StepStatus } from './run-status.js';
import { runStatus } from './status.js';

export interface RunView {
  readonly runId: string;
  readonly status: RunStatus;
  readonly seq: number;
  readonly workflow: WorkflowRef;
  readonly workspace: string;
  readonly input: Json;
  readonly pins: RunStarted['pins'];
  readonly startedBy: Actor;
  readonly startedAt: Instant;
  readonly timeoutAt?: Instant;
  readonly idempotencyKey?: string;
  readonly parent?: RunStarted['parent'];
  readonly root?: RunStarted['root'];
  readonly endedAt?: Instant;
  /** Of a completed run. */
  readonly output?: Json;
  /** Of a failed or timed out run. */
  readonly error?: StepError;
  /** Of a failed run: the step that failed first, if one did. */
  readonly origin?: FailureOrigin;
  /** Who paused or cancelled the run, and why. */
  readonly stoppedBy?: { readonly actor: Actor; readonly reason?: string };
}

export const runView = (state: RunState): RunView | undefined => {
  if (state.kind === 'none') return undefined;
  const { started, startedAt, seq } = state;
  const { runId, workflow, workspace, input, pins, startedBy, timeoutAt, idempotencyKey, parent, root } =
    started;
  return {
    runId,
    status: runStatus(state),
    seq,
    workflow,
    workspace,
    input,
    pins,
    startedBy,
    startedAt,
    ...(timeoutAt === undefined ? {} : { timeoutAt }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(parent === undefined ? {} : { parent }),
    ...(root === undefined ? {} : { root }),
    ...phaseView(state),
  };
};

const phaseView = ({
  phase,
}: Extract<RunState, { kind: 'run' }>): Pick<
  RunView,
  'endedAt' | 'output' | 'error' | 'origin' | 'stoppedBy'
> => {
  switch (phase.kind) {
    case 'running':
    case 'ending':
      return {};
    case 'paused':
      return { stoppedBy: stopper(phase) };
    case 'completed':
      return { endedAt: phase.at, output: phase.output };
    case 'failed': {
      const { at, error, origin } = phase;
      return { endedAt: at, error, ...(origin === undefined ? {} : { origin }) };
    }
    case 'cancelled':
      return { endedAt: phase.at, stoppedBy: stopper(phase) };
    case 'timed_out':
      return { endedAt: phase.at, error: phase.error };
  }
};

const stopper = (phase: { readonly actor: Actor; readonly reason?: string }): RunView['stoppedBy'] => ({
  actor: phase.actor,
  ...(phase.reason === undefined ? {} : { reason: phase.reason }),
});

export interface StepView {
  readonly stepId: string;
  readonly scope: ScopePath;
  readonly state: string;
  /** 1 at the first visit of the state in its scope. */
  readonly visit: number;
  readonly kind: StepKind;
  /** Of an operation or an evaluation that was scheduled. */
  readonly action?: StepAction;
  readonly status: StepStatus;
  readonly attempt: Attempt;
  /** Of the present attempt. */
  readonly scheduledAt: Instant;
  readonly startedAt?: Instant;
  readonly endedAt?: Instant;
  readonly worker?: string;
  /** Of the last attempt that failed; gone after a success. */
  readonly error?: StepError;
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
  readonly output?: Json;
  /** When the step will be tried again. */
  readonly retryAt?: Instant;
  readonly childRunId?: string;
}

export const stepView = (state: RunState, stepId: string): StepView | undefined => {
  const step = state.kind === 'none' ? undefined : state.steps.get(stepId);
  if (step === undefined) return undefined;
  // Written out: every step of every run comes by here more than once, and copies of what is left over are slow.
  const { scope, state: name, visit, kind, status, attempt, scheduledAt } = step;
  const view: { -readonly [K in keyof StepView]: StepView[K] } = {
    stepId,
    scope,
    state: name,
    visit,
    kind,
    status,
    attempt,
    scheduledAt,
  };
  if (step.action !== undefined) view.action = step.action;
  if (step.startedAt !== undefined) view.startedAt = step.startedAt;
  if (step.endedAt !== undefined) view.endedAt = step.endedAt;
  if (step.worker !== undefined) view.worker = step.worker;
  if (step.error !== undefined) view.error = step.error;
  if (step.warnings !== undefined) view.warnings = step.warnings;
  if (step.output !== undefined) view.output = step.output;
  if (step.childRunId !== undefined) view.childRunId = step.childRunId;
  if (step.open?.kind === 'retrying' && step.timer !== undefined) view.retryAt = step.timer.dueAt;
  return view;
};

/** Ids of all steps there ever were, in the order of their first event. */
export const stepIds = (state: RunState): readonly string[] =>
  state.kind === 'none' ? [] : [...state.steps.keys()];

export interface ApprovalView {
  readonly approvalId: string;
  readonly stepId: string;
  readonly scope: ScopePath;
  readonly state: string;
  readonly status: ApprovalStatus;
  readonly message: string;
  readonly summary?: Json;
  readonly summaryDigest: string;
  readonly approvers: readonly string[];
  readonly quorum: number;
  readonly allowRequester: boolean;
  readonly requestedBy: Actor;
  readonly onReject: 'cancel' | 'fail';
  readonly requestedAt: Instant;
  readonly expiresAt?: Instant;
  readonly endorsements: Approval['endorsements'];
  /** When it was decided, expired, or closed because the run went on without it. */
  readonly closedAt?: Instant;
  readonly decidedBy?: Actor;
  readonly comment?: string;
  readonly data?: Json;
}

export const approvalView = (state: RunState, approvalId: string): ApprovalView | undefined => {
  if (state.kind === 'none') return undefined;
  const approval = state.approvals.get(approvalId);
  const step = approval === undefined ? undefined : state.steps.get(approval.request.stepId);
  if (approval === undefined || step === undefined) return undefined;
  const { request, ...decision } = approval;
  const { type: _type, ...asked } = request;
  return { ...asked, scope: step.scope, state: step.state, ...decision };
};

/** What a scope sees, as plain JSON; undefined when there is no such scope (any more). */
export const contextView = (state: RunState, scope: ScopePath = ''): Json | undefined => {
  const found = state.kind === 'none' ? undefined : state.scopes.get(scope);
  return found === undefined ? undefined : plain(found.context);
};
