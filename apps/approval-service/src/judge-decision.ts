/**
 * Whether somebody's decision on an approval may go on to the orchestrator. Pure. The rules, in this order:
 *
 * 1. The first decision wins: after one that decides, every other is refused. The same command sent again is not
 *    another one.
 * 2. Who decides must be an approver: named as `user:…` or `service:…`, or a member of a named `team:…`. An empty list lets
 *    everyone decide.
 * 3. Who started the run may not approve it, unless `allowRequester` says so. They may reject it: stopping
 *    one's own run takes no second person.
 * 4. Where everyone but the requester may decide, who decides has to say who they are.
 * 5. Under a quorum nobody counts twice; a rejection decides at once.
 */
import { type ApprovalDecision, anonymousActor } from '@signalbox/protocol';
import type { ApprovalRecord, ForwardedDecision, PendingApproval } from './approval-book.js';
import type { TeamDirectory } from './teams.js';

export type DecisionRefusalCode =
  | 'APPROVAL_NOT_FOUND'
  | 'APPROVAL_ALREADY_DECIDED'
  | 'APPROVER_NOT_ALLOWED'
  | 'REQUESTER_NOT_ALLOWED'
  | 'ANONYMOUS_NOT_ALLOWED'
  | 'APPROVER_ALREADY_COUNTED';

export type Judgement =
  | { readonly kind: 'forward' }
  | { readonly kind: 'refuse'; readonly code: DecisionRefusalCode; readonly message: string };

export const judgeDecision = (
  record: ApprovalRecord,
  task: ApprovalDecision,
  teams: TeamDirectory,
): Judgement => {
  if (record.kind === 'unknown') {
    return refuse('APPROVAL_NOT_FOUND', `run ${task.runId} has no approval ${task.approvalId}`);
  }
  if (record.kind === 'ended') return alreadyDecided(task);
  const { approval } = record;
  if (approval.forwarded.has(task.commandId)) return { kind: 'forward' };
  if (isDecidedByForwarded(approval)) return alreadyDecided(task);
  return judgeActor(approval, task, teams);
};

const judgeActor = (approval: PendingApproval, task: ApprovalDecision, teams: TeamDirectory): Judgement => {
  const { approvers, allowRequester, requestedBy } = approval.request;
  if (!mayDecide(approval, task.actor, teams)) {
    return refuse(
      'APPROVER_NOT_ALLOWED',
      `${task.actor} is not among those who may decide: ${approvers.join(', ')}`,
    );
  }
  if (task.actor === anonymousActor && approvers.length === 0 && !allowRequester) {
    return refuse(
      'ANONYMOUS_NOT_ALLOWED',
      'everyone but the requester may decide this: say who decides, so that it is not the requester',
    );
  }
  if (task.decision === 'reject') return { kind: 'forward' };
  if (!allowRequester && task.actor === requestedBy) {
    return refuse('REQUESTER_NOT_ALLOWED', `${task.actor} has started the run and may not approve it`);
  }
  if (approversCounted(approval).has(task.actor)) {
    return refuse('APPROVER_ALREADY_COUNTED', `${task.actor} has approved already and counts once`);
  }
  return { kind: 'forward' };
};

const teamPrefix = 'team:';

const mayDecide = (approval: PendingApproval, actor: string, teams: TeamDirectory): boolean => {
  const { approvers } = approval.request;
  return (
    approvers.length === 0 ||
    approvers.some((approver) =>
      approver.startsWith(teamPrefix)
        ? teams.has(approval.workspace, approver.slice(teamPrefix.length), actor)
        : approver === actor,
    )
  );
};

const isDecidedByForwarded = (approval: PendingApproval): boolean =>
  [...approval.forwarded.values()].some(isRejection) ||
  approversCounted(approval).size >= approval.request.quorum;

/** Recorded and forwarded approvals together. */
const approversCounted = (approval: PendingApproval): ReadonlySet<string> =>
  new Set([
    ...approval.endorsedBy,
    ...[...approval.forwarded.values()].filter((each) => !isRejection(each)).map(({ actor }) => actor),
  ]);

const isRejection = ({ decision }: ForwardedDecision): boolean => decision === 'reject';

const alreadyDecided = (task: ApprovalDecision): Judgement =>
  refuse(
    'APPROVAL_ALREADY_DECIDED',
    `approval ${task.approvalId} has been decided; the first decision counts`,
  );

const refuse = (code: DecisionRefusalCode, message: string): Judgement => ({ kind: 'refuse', code, message });
