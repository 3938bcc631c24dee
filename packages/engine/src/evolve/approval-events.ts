import type { Instant, RunEvent } from '../event.js';
import { required } from '../invariant-violation.js';
import type { Approval, ApprovalStatus, Run, Step } from '../run-state.js';
import { timerIdOf } from '../timer-id.js';
import { stepOf, withStep } from './edit.js';

type Of<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

const approvalOf = (run: Run, approvalId: string): Approval =>
  required(run.approvals.get(approvalId), `approval ${approvalId}`);

const withApproval = (run: Run, approval: Approval): Run => ({
  ...run,
  approvals: run.approvals.set(approval.request.approvalId, approval),
});

const withoutInput = (step: Step): Step => {
  if (step.open?.kind !== 'approval') return step;
  const { input: _, ...open } = step.open;
  return { ...step, open };
};

export const approvalRequested = (run: Run, event: Of<'approval.requested'>, at: Instant): Run => {
  const { approvalId, stepId, expiresAt } = event;
  const requested = withApproval(run, {
    request: event,
    status: 'PENDING',
    requestedAt: at,
    endorsements: [],
  });
  const step = withoutInput(stepOf(run, stepId));
  if (expiresAt === undefined) return withStep(requested, step);
  const purpose = { kind: 'approval_expiry', stepId, approvalId } as const;
  return withStep(requested, { ...step, timer: { timerId: timerIdOf(purpose), dueAt: expiresAt, purpose } });
};

export const approvalEndorsed = (run: Run, event: Of<'approval.endorsed'>, at: Instant): Run => {
  const approval = approvalOf(run, event.approvalId);
  const { actor, comment } = event;
  const endorsement = { actor, at, ...(comment === undefined ? {} : { comment }) };
  return withApproval(run, { ...approval, endorsements: [...approval.endorsements, endorsement] });
};

export const approvalDecided = (
  run: Run,
  event: Of<'approval.approved' | 'approval.rejected'>,
  at: Instant,
): Run =>
  withApproval(run, {
    ...approvalOf(run, event.approvalId),
    status: event.type === 'approval.approved' ? 'APPROVED' : 'REJECTED',
    closedAt: at,
    decidedBy: event.actor,
    ...(event.comment === undefined ? {} : { comment: event.comment }),
    ...(event.data === undefined ? {} : { data: event.data }),
  });

export const approvalOver = (
  run: Run,
  approvalId: string,
  status: Extract<ApprovalStatus, 'EXPIRED' | 'CLOSED'>,
  at: Instant,
): Run => withApproval(run, { ...approvalOf(run, approvalId), status, closedAt: at });
