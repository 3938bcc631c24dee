import type { ApprovalDecision, EventEnvelope, RunEventMessage } from '@signalbox/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { ApprovalBook, type ApprovalRequest } from './approval-book.js';
import { judgeDecision } from './judge-decision.js';
import { Teams } from './teams.js';

let book: ApprovalBook;
let teams: Teams;
let sequence: number;

const envelope = (data: EventEnvelope['data'], causationId?: string): EventEnvelope => {
  sequence += 1;
  return {
    id: `default/r1/${sequence}`,
    workspace: 'default',
    runId: data.type.startsWith('catalog.') ? null : 'r1',
    sequence,
    at: 0,
    data,
    ...(causationId === undefined ? {} : { causationId }),
  };
};
const happened = (data: RunEventMessage, causationId?: string): void =>
  book.apply(envelope(data, causationId));

const requested = (part: Partial<ApprovalRequest> = {}): void =>
  happened({
    type: 'approval.requested',
    approvalId: 'a1',
    stepId: 's1',
    message: 'May I?',
    summaryDigest: 'd',
    approvers: [],
    quorum: 1,
    allowRequester: false,
    requestedBy: 'user:rita',
    onReject: 'cancel',
    ...part,
  });

let commandCount = 0;
const decisionOf = (actor: string, part: Partial<ApprovalDecision> = {}): ApprovalDecision => {
  commandCount += 1;
  return {
    type: 'decision',
    commandId: `c${commandCount}`,
    runId: 'r1',
    approvalId: 'a1',
    workspace: 'default',
    decision: 'approve',
    actor,
    issuedAt: 0,
    ...part,
  };
};

/** Judges as the handler does: what may go on is noted as forwarded. */
const verdictOn = (task: ApprovalDecision): string => {
  const judgement = judgeDecision(book.find(task), task, teams);
  if (judgement.kind === 'refuse') return judgement.code;
  book.noteForwarded(task, task);
  return 'forward';
};

beforeEach(() => {
  book = new ApprovalBook();
  teams = new Teams();
  sequence = 0;
});

describe('who may decide', () => {
  test('an empty list of approvers lets everyone decide', () => {
    requested();
    expect(verdictOn(decisionOf('user:anybody'))).toBe('forward');
  });

  test('a named user may, another one may not, and a prefix of the name is another one', () => {
    requested({ approvers: ['user:ann'] });
    expect(verdictOn(decisionOf('user:an'))).toBe('APPROVER_NOT_ALLOWED');
    expect(verdictOn(decisionOf('user:anna'))).toBe('APPROVER_NOT_ALLOWED');
    expect(verdictOn(decisionOf('user:ann'))).toBe('forward');
  });

  const teamsPut = (members: Record<string, string[]>) =>
    envelope({
      type: 'catalog.teams_put',
      actor: 'user:admin',
      digest: 'd',
      teams: members,
      source: '',
      changed: true,
    });

  test('a member of a named team may, and no longer after leaving it', () => {
    teams.apply(teamsPut({ sre: ['user:ann', 'user:bob'] }));
    requested({ approvers: ['team:sre'], quorum: 3 });
    expect(verdictOn(decisionOf('user:ann'))).toBe('forward');
    expect(verdictOn(decisionOf('user:eve'))).toBe('APPROVER_NOT_ALLOWED');
    teams.apply(teamsPut({ sre: ['user:ann'] }));
    expect(verdictOn(decisionOf('user:bob'))).toBe('APPROVER_NOT_ALLOWED');
  });

  test('a statement about teams that is stored behind a newer one changes nothing', () => {
    const older = teamsPut({ sre: ['user:eve'] });
    teams.apply(teamsPut({ sre: ['user:ann'] }));
    teams.apply(older);
    expect(teams.has('default', 'sre', 'user:eve')).toBe(false);
    expect(teams.has('default', 'sre', 'user:ann')).toBe(true);
  });

  test("another workspace's team of the same name gives no right", () => {
    teams.apply({ ...teamsPut({ sre: ['user:eve'] }), workspace: 'other' });
    requested({ approvers: ['team:sre'] });
    expect(verdictOn(decisionOf('user:eve'))).toBe('APPROVER_NOT_ALLOWED');
  });

  test('a team that nobody has put has no members, not even one named like a property of every object', () => {
    requested({ approvers: ['team:constructor', 'team:__proto__'] });
    expect(verdictOn(decisionOf('user:eve'))).toBe('APPROVER_NOT_ALLOWED');
  });

  test('who started the run may not approve it, but may reject it', () => {
    requested({ approvers: ['user:rita'] });
    expect(verdictOn(decisionOf('user:rita'))).toBe('REQUESTER_NOT_ALLOWED');
    expect(verdictOn(decisionOf('user:rita', { decision: 'reject' }))).toBe('forward');
  });

  test('with allowRequester they may approve it too', () => {
    requested({ allowRequester: true });
    expect(verdictOn(decisionOf('user:rita'))).toBe('forward');
  });

  test('an approval is unknown in any other workspace than its own', () => {
    requested();
    expect(verdictOn(decisionOf('user:ann', { workspace: 'other' }))).toBe('APPROVAL_NOT_FOUND');
  });
});

describe('the first decision wins', () => {
  test('a second one is refused before the first has come back as an event', () => {
    requested();
    expect(verdictOn(decisionOf('user:ann'))).toBe('forward');
    expect(verdictOn(decisionOf('user:bob', { decision: 'reject' }))).toBe('APPROVAL_ALREADY_DECIDED');
  });

  test('the same command again is forwarded again: its first forward may have been lost', () => {
    requested();
    const decision = decisionOf('user:ann');
    expect(verdictOn(decision)).toBe('forward');
    expect(verdictOn(decision)).toBe('forward');
  });

  test.each<RunEventMessage>([
    { type: 'approval.approved', approvalId: 'a1', stepId: 's1', actor: 'user:ann' },
    { type: 'approval.rejected', approvalId: 'a1', stepId: 's1', actor: 'user:ann' },
    { type: 'approval.expired', approvalId: 'a1', stepId: 's1' },
    { type: 'approval.closed', approvalId: 'a1', stepId: 's1' },
  ])('after %j nobody decides any more', (fact) => {
    requested();
    happened(fact);
    expect(verdictOn(decisionOf('user:bob'))).toBe('APPROVAL_ALREADY_DECIDED');
    expect(book.pendingCount).toBe(0);
  });

  test('an end that is stored before its request still counts', () => {
    happened({ type: 'approval.expired', approvalId: 'a1', stepId: 's1' });
    requested();
    expect(verdictOn(decisionOf('user:bob'))).toBe('APPROVAL_ALREADY_DECIDED');
  });

  test('a decision that the orchestrator refuses makes room for another', () => {
    requested();
    const decision = decisionOf('user:ann');
    verdictOn(decision);
    happened(
      { type: 'approval.decision_refused', approvalId: 'a1', actor: 'user:ann', code: 'X', message: 'm' },
      decision.commandId,
    );
    expect(verdictOn(decisionOf('user:bob'))).toBe('forward');
  });

  test("the record of somebody's refused second decision does not undo their forwarded first", () => {
    requested();
    verdictOn(decisionOf('user:ann'));
    happened(
      { type: 'approval.decision_refused', approvalId: 'a1', actor: 'user:ann', code: 'X', message: 'm' },
      'another-command',
    );
    expect(verdictOn(decisionOf('user:bob'))).toBe('APPROVAL_ALREADY_DECIDED');
  });
});

describe('a quorum', () => {
  test('counts each approver once, forwarded and recorded alike, and then takes no more', () => {
    requested({ quorum: 3 });
    expect(verdictOn(decisionOf('user:ann'))).toBe('forward');
    expect(verdictOn(decisionOf('user:ann'))).toBe('APPROVER_ALREADY_COUNTED');
    happened({ type: 'approval.endorsed', approvalId: 'a1', stepId: 's1', actor: 'user:bob' });
    expect(verdictOn(decisionOf('user:bob'))).toBe('APPROVER_ALREADY_COUNTED');
    expect(verdictOn(decisionOf('user:cleo'))).toBe('forward');
    expect(verdictOn(decisionOf('user:dan'))).toBe('APPROVAL_ALREADY_DECIDED');
  });

  test('a rejection decides at once, also by somebody who has approved', () => {
    requested({ quorum: 3 });
    verdictOn(decisionOf('user:ann'));
    expect(verdictOn(decisionOf('user:ann', { decision: 'reject' }))).toBe('forward');
    expect(verdictOn(decisionOf('user:bob'))).toBe('APPROVAL_ALREADY_DECIDED');
  });
});

test('of ended approvals only the newest are remembered', () => {
  book = new ApprovalBook({ maxRemembered: 2 });
  for (const approvalId of ['a1', 'a2', 'a3']) {
    happened({ type: 'approval.expired', approvalId, stepId: 's1' });
  }
  expect(
    ['a1', 'a2', 'a3'].map((id) => book.find({ workspace: 'default', runId: 'r1', approvalId: id }).kind),
  ).toEqual(['unknown', 'ended', 'ended']);
});

describe('who has not said who they are', () => {
  test('decides nothing that everyone but the requester may decide', () => {
    requested();
    for (const decision of ['approve', 'reject'] as const)
      expect(verdictOn(decisionOf('user:anonymous', { decision }))).toBe('ANONYMOUS_NOT_ALLOWED');
  });

  test('decides what really everyone may decide', () => {
    requested({ allowRequester: true });
    expect(verdictOn(decisionOf('user:anonymous'))).toBe('forward');
  });
});
