/** Approvals: what people decide, and what happens when nobody does. An approval has one attempt. */
import type { Command } from '../command.js';
import { bounded, type StepError, stepError } from '../error.js';
import type { Failure } from '../event.js';
import { required } from '../invariant-violation.js';
import type { Json } from '../json.js';
import type { Approval, Run } from '../run-state.js';
import type { World } from '../world.js';
import { advance } from './advance.js';
import { placeOf } from './failure.js';
import { follow } from './follow.js';
import { isOver, notActive, type Refused, refuse } from './refusal.js';
import { outputTooLarge } from './too-large.js';
import type { Turn } from './turn.js';

type Decided = Extract<Command, { type: 'approval_decision' }>;
type Words = Pick<Decided, 'actor' | 'comment' | 'data'>;

export const refusalOfDecision = (run: Run, command: Decided, world: World): Refused | undefined => {
  const { approvalId, actor, decision } = command;
  if (run.phase.kind === 'ending') return notActive(run);
  const approval = run.approvals.get(approvalId);
  if (approval === undefined) return isOver(run) ? notActive(run) : approvalNotFound(run, approvalId);
  if (approval.status !== 'PENDING')
    return refuse('APPROVAL_ALREADY_DECIDED', `approval ${approvalId} is ${wasDecided(approval)}`);
  if (decision === 'approve' && approval.endorsements.some((one) => one.actor === actor))
    return refuse('APPROVER_ALREADY_COUNTED', `${actor} has approved ${approvalId} already`);
  const what = 'what the decision gives, its comment and data,';
  const tooLarge = outputTooLarge(world, what, resultOf(command, world));
  return tooLarge === undefined ? undefined : refuse('PAYLOAD_TOO_LARGE', tooLarge.message);
};

const resultOf = ({ actor, comment, data }: Words, { now }: Pick<World, 'now'>): Json => ({
  approved: true,
  decidedBy: actor,
  comment: comment ?? null,
  data: data === undefined ? null : data,
  at: new Date(now).toISOString(),
});

export const approvalNotFound = (run: Run, approvalId: string): Refused =>
  refuse('APPROVAL_NOT_FOUND', `run ${run.started.runId} has no approval ${approvalId}`);

const wasDecided = (approval: Approval): string =>
  approval.decidedBy === undefined
    ? `${approval.status} and takes no more decisions`
    : `${approval.status} by ${approval.decidedBy}`;

export const approvalDecided = (turn: Turn, command: Decided): void => {
  if (command.decision === 'approve') approve(turn, command);
  else reject(turn, command);
  advance(turn);
};

const said = ({ comment, data }: Decided): Pick<Decided, 'comment' | 'data'> => ({
  ...(comment === undefined ? {} : { comment }),
  ...(data === undefined ? {} : { data }),
});

const approvalOf = (turn: Turn, approvalId: string): Approval =>
  required(turn.run.approvals.get(approvalId), `approval ${approvalId}`);

const approve = (turn: Turn, command: Decided): void => {
  const { approvalId, actor, comment } = command;
  const { request, endorsements } = approvalOf(turn, approvalId);
  const { stepId, quorum } = request;
  if (endorsements.length + 1 < quorum) {
    turn.emit({
      type: 'approval.endorsed',
      approvalId,
      stepId,
      actor,
      ...(comment === undefined ? {} : { comment }),
    });
    return;
  }
  turn.emit({ type: 'approval.approved', approvalId, stepId, actor, ...said(command) });
  succeedApproved(turn, stepId, resultOf(command, turn.world));
};

const succeedApproved = (turn: Turn, stepId: string, output: Json): void =>
  turn.emit({ type: 'step.succeeded', stepId, attempt: turn.step(stepId).attempt, output });

const reject = (turn: Turn, command: Decided): void => {
  const { approvalId, actor } = command;
  const { request } = approvalOf(turn, approvalId);
  turn.emit({ type: 'approval.rejected', approvalId, stepId: request.stepId, actor, ...said(command) });
  failRejected(turn, request, command);
};

const failRejected = (turn: Turn, { stepId, onReject }: Approval['request'], said: Words): void => {
  const { actor, comment } = said;
  const words = comment === undefined ? '' : `: ${comment}`;
  const error = bounded(
    stepError('APPROVAL_REJECTED', `${actor} rejected the approval${words}`, {
      decidedBy: actor,
      comment: comment ?? null,
    }),
  );
  failApproval(turn, stepId, error, onReject === 'cancel' ? { rejectedBy: rejecter(said) } : {});
};

const rejecter = ({ actor, comment }: Words): NonNullable<Failure['rejectedBy']> => ({
  actor,
  ...(comment === undefined ? {} : { comment }),
});

/** Whose rejection ends the run with the failure of a step; undefined where none does. */
export const rejecterOf = (turn: Turn, stepId: string): Failure['rejectedBy'] => {
  const approval = turn.run.approvals.get(stepId);
  if (approval?.status !== 'REJECTED' || approval.request.onReject !== 'cancel') return undefined;
  return rejecter(wordsOf(approval));
};

const wordsOf = ({ decidedBy, comment, data }: Approval): Words => ({
  actor: required(decidedBy, 'who has decided'),
  ...(comment === undefined ? {} : { comment }),
  ...(data === undefined ? {} : { data }),
});

/** The approval is decided, or has expired, and its step is not over yet. */
export const goOnAfterDecision = (turn: Turn, approval: Approval): void => {
  const { request, status, closedAt = turn.world.now } = approval;
  if (status === 'APPROVED')
    succeedApproved(turn, request.stepId, resultOf(wordsOf(approval), { now: closedAt }));
  else if (status === 'REJECTED') failRejected(turn, request, wordsOf(approval));
  else failExpired(turn, request.stepId);
};

const failExpired = (turn: Turn, stepId: string): void =>
  failApproval(turn, stepId, stepError('APPROVAL_EXPIRED', 'nobody decided in time'));

/** `approval_expiry` has fired for an approval that is pending. */
export const expireApproval = (turn: Turn, approvalId: string): void => {
  const { stepId } = approvalOf(turn, approvalId).request;
  turn.emit({ type: 'approval.expired', approvalId, stepId });
  failExpired(turn, stepId);
  advance(turn);
};

/** The step of an approval fails, by its people or because there can be none. */
export const failApproval = (
  turn: Turn,
  stepId: string,
  error: StepError,
  how: Pick<Failure, 'rejectedBy'> = {},
): void => {
  const step = turn.step(stepId);
  turn.emit({ type: 'step.failed', stepId, attempt: step.attempt, error });
  follow(turn, placeOf(step), { error, originStepId: stepId, ...how });
};
