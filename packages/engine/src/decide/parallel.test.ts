import { describe, expect, test } from 'vitest';
import {
  approval,
  expression,
  literal,
  object,
  operation,
  parallel,
  path,
  plan,
  states,
} from '../../test/support/plans.js';
import { approve, failed, given, Player, start, stepId, succeeded } from '../../test/support/scenario.js';
import { contextView, type Json, runView, stepView } from '../index.js';

const result = path('result');
const one = (name: string) => states(operation(name, null, { resultPath: result }));
const diagnostics = (extra = {}) =>
  plan(
    states(
      parallel('diagnostics', 'after', { pods: one('check'), errors: one('check') }, extra),
      operation('after', null),
    ),
  );
const join = stepId('diagnostics');
const pods = stepId('check', 'diagnostics/pods');
const errors = stepId('check', 'diagnostics/errors');

describe('a parallel', () => {
  test('starts all its branches at once, each in its own scope', () => {
    const { state } = given(diagnostics())
      .when(start({ n: 1 }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.entered', kind: 'parallel', stepId: join },
        { type: 'scopes.forked', from: 0, to: 2 },
        { type: 'step.scheduled', scope: 'diagnostics/pods', stepId: pods },
        { type: 'step.scheduled', scope: 'diagnostics/errors', stepId: errors },
      );
    expect(contextView(state, 'diagnostics/pods')).toMatchObject({ n: 1 });
  });

  test('hands over what each branch wrote, under its name and in the order of the branches', () => {
    given(diagnostics(), start(), succeeded(errors, 'e'))
      .when(succeeded(pods, 'p'))
      .thenEvents(
        { type: 'step.succeeded' },
        { type: 'scope.completed', scope: 'diagnostics/pods' },
        { type: 'state.completed', kind: 'parallel', stepId: join, resultPath: ['steps', 'diagnostics'] },
        { type: 'step.scheduled', state: 'after' },
      );
    const player = new Player(diagnostics()).play(start(), succeeded(errors, 'e'), succeeded(pods, 'p'));
    const context = contextView(player.state) as { readonly steps: Json };
    expect(JSON.stringify(context.steps)).toBe(
      '{"diagnostics":{"pods":{"result":"p"},"errors":{"result":"e"}}}',
    );
    expect(stepView(player.state, join)).toMatchObject({ status: 'SUCCEEDED', kind: 'parallel' });
  });

  test('hands over the output of a branch in place of its writes', () => {
    const scope = { ...one('check'), output: object({ short: expression('result') }) };
    const withOutput = plan(states(parallel('p', null, { x: scope })));
    given(withOutput, start())
      .when(succeeded(stepId('check', 'p/x'), 5))
      .thenEvents(
        { type: 'step.succeeded' },
        { type: 'scope.completed', output: { short: 5 } },
        { type: 'state.completed' },
        { type: 'run.completed', output: { steps: { p: { x: { short: 5 } } } } },
      );
  });

  test('whose branch cannot make its output fails by that branch', () => {
    const scope = { ...one('check'), output: expression('missing') };
    const { state } = given(plan(states(parallel('p', null, { x: scope }))), start())
      .when(succeeded(stepId('check', 'p/x')))
      .thenTypes('step.succeeded', 'scope.failed', 'state.failed', 'run.failed');
    expect(runView(state)?.error).toMatchObject({ code: 'TEMPLATE_ERROR' });
    expect(runView(state)?.error?.message).toMatch(
      /^State "p" failed: branch "x" of "p" failed: the output of "p\/x" could not/,
    );
  });

  test('shows no branch what another wrote', () => {
    const reader = states(
      operation('wait', 'read', { resultPath: result }),
      operation('read', null, { input: object({ agent: literal('x'), v: expression('ctx.mark') }) }),
    );
    const writer = states(operation('write', null, { resultPath: path('mark') }));
    const both = plan(states(parallel('p', null, { writer, reader })));
    given(both, start({ mark: 'before' }), succeeded(stepId('write', 'p/writer'), 'written'))
      .when(succeeded(stepId('wait', 'p/reader')))
      .thenEvents({ type: 'step.succeeded' }, { type: 'step.scheduled', input: { agent: 'x', v: 'before' } });
  });

  test('cancels the other branches when one fails, and fails with words that say which', () => {
    const { effects, state } = given(diagnostics(), start())
      .when(failed(errors))
      .thenEvents(
        { type: 'step.failed', stepId: errors },
        { type: 'step.exhausted' },
        { type: 'scope.failed', scope: 'diagnostics/errors' },
        { type: 'step.cancelled', stepId: pods },
        { type: 'scope.cancelled', scope: 'diagnostics/pods' },
        { type: 'state.failed', stepId: join, error: { code: 'AGENT_ERROR' } as never },
        {
          type: 'run.failed',
          origin: { state: 'check', scope: 'diagnostics/errors', stepId: errors },
        },
      );
    expect(stepView(state, join)?.error?.message).toBe('branch "errors" of "diagnostics" failed: it broke');
    expect(stepView(state, pods)?.status).toBe('CANCELLED');
    expect(effects).toContainEqual({
      type: 'withdraw_step',
      stepId: pods,
      attempt: 1,
      target: 'worker',
    });
    given(diagnostics(), start(), failed(errors)).when(succeeded(pods)).thenRefused('RUN_NOT_ACTIVE');
  });

  test('goes where its catch says when a branch fails, and refuses the late results of the others', () => {
    const caught = diagnostics({ catch: [{ errors: ['AGENT_ERROR'], next: 'after' }] });
    given(caught, start())
      .when(failed(errors))
      .thenTypes(
        'step.failed',
        'step.exhausted',
        'scope.failed',
        'step.cancelled',
        'scope.cancelled',
        'state.failed',
        'state.caught',
        'step.scheduled',
      );
    given(caught, start(), failed(errors)).when(succeeded(pods)).thenRefused('STALE_ATTEMPT');
  });

  test('closes the approvals of cancelled branches', () => {
    const asking = plan(
      states(
        parallel('p', null, { ask: states(approval('ask', null, {}, { timeoutMs: 9 })), work: one('work') }),
      ),
    );
    const ask = stepId('ask', 'p/ask');
    const { effects } = given(asking, start())
      .when(failed(stepId('work', 'p/work')))
      .thenTypes(
        'step.failed',
        'step.exhausted',
        'scope.failed',
        'step.cancelled',
        'approval.closed',
        'scope.cancelled',
        'state.failed',
        'run.failed',
      );
    expect(effects).toContainEqual({ type: 'cancel_timer', timerId: `${ask}/expiry` });
    given(asking, start(), failed(stepId('work', 'p/work')))
      .when(approve(ask))
      .thenRefused('APPROVAL_ALREADY_DECIDED');
  });

  test('has no more branches in flight than told', () => {
    const three = plan(
      states(parallel('p', null, { x: one('s'), y: one('s'), z: one('s') }, { maxConcurrency: 2 })),
    );
    given(three)
      .when(start())
      .thenTypes('run.started', 'state.entered', 'scopes.forked', 'step.scheduled', 'step.scheduled');
    given(three, start())
      .when(succeeded(stepId('s', 'p/y')))
      .thenEvents(
        { type: 'step.succeeded' },
        { type: 'scope.completed' },
        { type: 'scopes.forked', from: 2, to: 3 },
        { type: 'step.scheduled', scope: 'p/z' },
      );
  });

  test('never has more than 64 branches in flight', () => {
    const names = Array.from({ length: 70 }, (_, index) => [`b${index}`, one('s')]);
    const player = new Player(
      plan(states(parallel('p', null, Object.fromEntries(names), { maxConcurrency: 500 }))),
    ).play(start());
    player.goOn();
    const { state } = player;
    expect(state.kind === 'run' ? state.counts.moving : 0).toBe(64);
  });
});

describe('the join modes', () => {
  test('any: the first success cancels the others and is the only result', () => {
    const { state } = given(diagnostics({ join: 'any' }), start())
      .when(succeeded(errors, 'e'))
      .thenTypes(
        'step.succeeded',
        'scope.completed',
        'step.cancelled',
        'scope.cancelled',
        'state.completed',
        'step.scheduled',
      );
    expect(contextView(state)).toMatchObject({ steps: { diagnostics: { errors: { result: 'e' } } } });
    expect(stepView(state, join)?.output).toEqual({ errors: { result: 'e' } });
  });

  test('any: fails when every branch has failed', () => {
    given(diagnostics({ join: 'any' }), start())
      .when(failed(errors))
      .thenTypes('step.failed', 'step.exhausted', 'scope.failed');
    const { state } = given(diagnostics({ join: 'any' }), start(), failed(errors))
      .when(failed(pods))
      .thenTypes('step.failed', 'step.exhausted', 'scope.failed', 'state.failed', 'run.failed');
    expect(stepView(state, join)?.error?.message).toContain(
      'branch "pods" of "diagnostics" failed as the last',
    );
  });

  test('settled: waits for all and tells how each ended', () => {
    const { state } = given(diagnostics({ join: 'settled' }), start(), failed(errors))
      .when(succeeded(pods, 'p'))
      .thenTypes('step.succeeded', 'scope.completed', 'state.completed', 'step.scheduled');
    expect(stepView(state, join)?.output).toMatchObject({
      pods: { status: 'succeeded', output: { result: 'p' } },
      errors: { status: 'failed', error: { code: 'AGENT_ERROR', message: 'it broke' } },
    });
  });
});

test('after a join the next state has its result as the previous output', () => {
  const piped = plan(
    states(
      parallel('p', 'b', {
        x: states(operation('s', null, { takesPreviousOutput: true, resultPath: result })),
      }),
      operation('b', null, { takesPreviousOutput: true }),
    ),
  );
  const inside = given(piped)
    .when(start({ n: 1 }))
    .thenTypes('run.started', 'state.entered', 'scopes.forked', 'step.scheduled');
  expect(inside.history.at(-1)?.event).toMatchObject({ input: { variables: { n: 1 } } });
  inside.play(succeeded(stepId('s', 'p/x'), 9));
  expect(inside.history.at(-1)?.event).toMatchObject({ input: { variables: { x: { result: 9 } } } });
});
