import { describe, expect, test } from 'vitest';
import {
  approval,
  attempts,
  expression,
  literal,
  operation,
  parallel,
  path,
  plan,
  states,
} from '../../test/support/plans.js';
import {
  approve,
  cancel,
  digest,
  fired,
  given,
  Player,
  pause,
  reject,
  start,
  startTime,
  stepId,
  succeeded,
} from '../../test/support/scenario.js';
import { approvalView, runView, stepView } from '../index.js';

const ask = stepId('ask');
const asking = (input = {}, extra = {}) =>
  plan(states(approval('ask', 'after', input, extra), operation('after', null)));

describe('an approval', () => {
  test('is requested with what is shown and a digest of it, and not dispatched to a worker', () => {
    const input = {
      message: { kind: 'text', parts: [{ text: 'Rate is ' }, { expression: 'rate' }] } as const,
      summaryPath: literal(['found', 'pods']),
      approvers: literal(['user:bob', 'team:sre']),
    };
    const { effects, state, status } = given(asking(input, { timeoutMs: 60_000 }))
      .when(start({ rate: 0.5, found: { pods: { b: 1, a: 2 } } }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'step.scheduled', action: 'human.approval', stepId: ask },
        {
          type: 'approval.requested',
          approvalId: ask,
          stepId: ask,
          message: 'Rate is 0.5',
          summary: { b: 1, a: 2 },
          summaryDigest: digest('{"message":"Rate is 0.5","summary":{"a":2,"b":1}}'),
          approvers: ['user:bob', 'team:sre'],
          quorum: 1,
          allowRequester: false,
          requestedBy: 'user:alice',
          onReject: 'cancel',
          expiresAt: startTime + 60_000,
        },
      );
    expect(effects.map(({ type }) => type)).toEqual(['request_approval', 'set_timer']);
    expect(status).toBe('WAITING_APPROVAL');
    expect(stepView(state, ask)?.status).toBe('WAITING_APPROVAL');
    expect(approvalView(state, ask)).toMatchObject({ status: 'PENDING', state: 'ask', scope: '' });
  });

  test.each([
    ['a summary path that leads nowhere', { summaryPath: literal('found.pods') }, /has no field "found"/],
    ['a summary path that is none', { summaryPath: literal('a..b') }, /is not a path/],
    ['approvers that are no list', { approvers: literal('user:bob') }, /must be a list/],
    ['an approver without user: or team:', { approvers: literal(['bob']) }, /"user:<name>" or "team:<name>"/],
    ['a quorum beyond what the wire counts', { quorum: literal(2 ** 53) }, /from 1 to 100/],
    ['a quorum of none', { quorum: literal(0) }, /"quorum" must be a whole number/],
    [
      'allowRequester that is text',
      { allowRequester: literal('yes') },
      /"allowRequester" must be true or false/,
    ],
    ['onReject that is unknown', { onReject: literal('ask') }, /"onReject" must be/],
    ['a message that cannot be filled', { message: expression('nope') }, /nope is not defined/],
  ])('with %s fails before anybody is asked', (_what, input, message) => {
    const { state } = given(asking(input))
      .when(start())
      .thenTypes('run.started', 'state.failed', 'run.failed');
    expect(runView(state)?.error?.code).toBe('TEMPLATE_ERROR');
    expect(runView(state)?.error?.message).toMatch(message);
  });

  test('that is approved gives who, when, the comment and the form data as the output of its step', () => {
    const { effects, state } = given(asking({}, { timeoutMs: 9_000 }), start())
      .when(approve(ask, 'user:bob', { comment: 'fine', data: { count: 2 } }))
      .thenEvents(
        { type: 'approval.approved', actor: 'user:bob', comment: 'fine' },
        {
          type: 'step.succeeded',
          output: {
            approved: true,
            decidedBy: 'user:bob',
            comment: 'fine',
            data: { count: 2 },
            at: '2030-01-01T00:00:01.000Z',
          },
        },
        { type: 'step.scheduled', state: 'after' },
      );
    expect(effects[0]).toEqual({ type: 'cancel_timer', timerId: `${ask}/expiry` });
    expect(approvalView(state, ask)).toMatchObject({ status: 'APPROVED', decidedBy: 'user:bob' });
  });

  test('counts each approver once towards the quorum', () => {
    const two = asking({ quorum: literal(2) });
    given(two, start())
      .when(approve(ask, 'user:bob'))
      .thenEvents({ type: 'approval.endorsed', actor: 'user:bob' });
    given(two, start(), approve(ask, 'user:bob'))
      .when(approve(ask, 'user:bob'))
      .thenRefused('APPROVER_ALREADY_COUNTED');
    given(two, start(), approve(ask, 'user:bob'))
      .when(approve(ask, 'user:eve'))
      .thenTypes('approval.approved', 'step.succeeded', 'step.scheduled');
    given(two, start(), approve(ask, 'user:bob'))
      .when(reject(ask, 'user:bob'))
      .thenTypes('approval.rejected', 'step.failed', 'run.cancelled');
  });

  test('takes the first decision and refuses all later ones', () => {
    given(asking(), start(), approve(ask))
      .when(reject(ask, 'user:eve'))
      .thenRefused('APPROVAL_ALREADY_DECIDED');
    given(asking(), start(), reject(ask))
      .when(approve(ask, 'user:eve'))
      .thenRefused('APPROVAL_ALREADY_DECIDED');
    given(asking(), start()).when(approve('ffffffffffffffff')).thenRefused('APPROVAL_NOT_FOUND');
  });

  test('that is rejected ends the run as cancelled by who rejected it', () => {
    const { state, status } = given(asking(), start())
      .when(reject(ask, 'user:bob', 'too risky'))
      .thenEvents(
        { type: 'approval.rejected', comment: 'too risky' },
        { type: 'step.failed', error: { code: 'APPROVAL_REJECTED' } as never },
        { type: 'run.cancelled', actor: 'user:bob', reason: 'user:bob rejected the approval: too risky' },
      );
    expect(status).toBe('CANCELLED');
    expect(stepView(state, ask)?.status).toBe('FAILED');
  });

  test('that is rejected fails the run when the author says so', () => {
    const { state } = given(asking({ onReject: literal('fail') }), start())
      .when(reject(ask))
      .thenTypes('approval.rejected', 'step.failed', 'run.failed');
    expect(runView(state)?.error?.code).toBe('APPROVAL_REJECTED');
  });

  test('that is rejected goes where a catch says, of its own or of the join around it', () => {
    const own = asking({}, { catch: [{ errors: ['APPROVAL_REJECTED'], next: 'after' }] });
    given(own, start())
      .when(reject(ask))
      .thenTypes('approval.rejected', 'step.failed', 'state.caught', 'step.scheduled');
    const around = parallel(
      'p',
      null,
      { x: states(approval('ask', null)) },
      { catch: [{ errors: ['*'], next: 'after' }] },
    );
    given(plan(states(around, operation('after', null))), start())
      .when(reject(stepId('ask', 'p/x')))
      .thenTypes(
        'approval.rejected',
        'step.failed',
        'scope.failed',
        'state.failed',
        'state.caught',
        'step.scheduled',
      );
  });

  test('that is rejected inside a branch ends the whole run as cancelled', () => {
    const around = plan(
      states(parallel('p', null, { x: states(approval('ask', null)), y: states(operation('s', null)) })),
    );
    given(around, start())
      .when(reject(stepId('ask', 'p/x')))
      .thenTypes(
        'approval.rejected',
        'step.failed',
        'scope.failed',
        'step.cancelled',
        'scope.cancelled',
        'state.failed',
        'run.cancelled',
      );
  });

  test('that nobody decides in time expires, and is not tried again', () => {
    const expiring = asking({}, { timeoutMs: 1_000, retry: attempts(3) });
    const { state } = given(expiring, start())
      .when(fired({ kind: 'approval_expiry', stepId: ask, approvalId: ask }))
      .thenEvents(
        { type: 'approval.expired', approvalId: ask },
        { type: 'step.failed', error: { code: 'APPROVAL_EXPIRED' } as never },
        { type: 'run.failed' },
      );
    expect(stepView(state, ask)?.status).toBe('TIMED_OUT');
    expect(approvalView(state, ask)?.status).toBe('EXPIRED');
  });

  test('is closed when the run is cancelled', () => {
    const { state } = given(asking(), start())
      .when(cancel)
      .thenTypes('step.cancelled', 'approval.closed', 'run.cancelled');
    expect(approvalView(state, ask)?.status).toBe('CLOSED');
  });

  test('can be decided while the run is paused, which then goes on at resume', () => {
    given(asking(), start(), pause).when(approve(ask)).thenTypes('approval.approved', 'step.succeeded');
  });

  test('keeps a refused decision on record without an effect', () => {
    const refusal = {
      type: 'approval_refusal',
      approvalId: ask,
      actor: 'user:mallory',
      code: 'NOT_AN_APPROVER',
      message: 'no',
    } as const;
    const { state } = given(asking(), start())
      .when(refusal)
      .thenEvents({ type: 'approval.decision_refused', actor: 'user:mallory' });
    expect(approvalView(state, ask)?.status).toBe('PENDING');
    given(asking(), start())
      .when({ ...refusal, approvalId: 'x' })
      .thenRefused('APPROVAL_NOT_FOUND');
  });

  test('is not answered by a worker', () => {
    given(asking(), start()).when(succeeded(ask)).thenRefused('STEP_NOT_FOUND');
  });

  test('of a state that is visited again is a new one', () => {
    const loop = plan(states(approval('ask', 'ask', {}, { resultPath: path('last') })));
    given(loop, start())
      .when(approve(ask))
      .thenEvents(
        { type: 'approval.approved' },
        { type: 'step.succeeded' },
        { type: 'step.scheduled' },
        { type: 'approval.requested', approvalId: stepId('ask', '', 2) },
      );
  });
});

test('a run waits for an approval only when nothing else in it can move', () => {
  const both = plan(
    states(parallel('p', null, { x: states(approval('ask', null)), y: states(operation('s', null)) })),
  );
  const player = new Player(both).play(start());
  expect(player.status).toBe('RUNNING');
  player.play(succeeded(stepId('s', 'p/y')));
  expect(player.status).toBe('WAITING_APPROVAL');
});
