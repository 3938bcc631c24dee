import { describe, expect, test } from 'vitest';
import {
  approval,
  attempts,
  childWorkflow,
  expression,
  foreach,
  inject,
  literal,
  object,
  operation,
  parallel,
  plan,
  signal,
  states,
  transform,
} from '../../test/support/plans.js';
import {
  approve,
  failed,
  given,
  Player,
  reject,
  signalled,
  start,
  stepId,
  succeeded,
} from '../../test/support/scenario.js';
import { type Command, type Json, runView, stepError, stepView } from '../index.js';

const limit = 512 * 1024;
/** JSON text of exactly so many bytes. */
const textOf = (bytes: number): string => 'x'.repeat(bytes - 2);
const atLimit = textOf(limit);
const overLimit = textOf(limit + 1);
const tooLarge = { code: 'PAYLOAD_TOO_LARGE', retryable: false };
const caught = [{ errors: ['PAYLOAD_TOO_LARGE'], next: 'rescue' }];
const rescue = operation('rescue', null, { input: literal({ agent: 'helper' }) });
const a = stepId('a');

const errorOf = (player: Player) => runView(player.state)?.error;

describe('a result of more than 512 KiB fails the state that made it, with its name, its size and the limit', () => {
  const after = `the result of state "a" has ${limit + 1} bytes of JSON, the limit is ${limit}`;

  test('of a step, without another attempt', () => {
    const retried = plan(states(operation('a', null, { retry: attempts(3) })));
    const player = given(retried, start())
      .when(succeeded(a, overLimit))
      .thenTypes('step.failed', 'step.exhausted', 'run.failed');
    expect(stepView(player.state, a)?.error).toMatchObject({
      ...tooLarge,
      message: expect.stringContaining(after),
      details: { limitBytes: limit },
    });
    given(retried, start()).when(succeeded(a, atLimit)).thenTypes('step.succeeded', 'run.failed');
  });

  test('of a step, which may catch it or be optional', () => {
    given(plan(states(operation('a', null, { catch: caught }), rescue)), start())
      .when(succeeded(a, overLimit))
      .thenTypes('step.failed', 'step.exhausted', 'state.caught', 'step.scheduled');
    given(plan(states(operation('a', 'rescue', { optional: true }), rescue)), start())
      .when(succeeded(a, overLimit))
      .thenTypes('step.failed', 'step.exhausted', 'step.skipped', 'step.scheduled');
  });

  test.each([
    ['transform', transform('a', null, JSON.stringify(overLimit), ['big'])],
    ['inject', inject('a', null, literal(overLimit), ['big'])],
  ])('of a %s, and the step before it has succeeded', (_kind, state) => {
    const player = given(plan(states(operation('before', 'a', { retry: attempts(3) }), state)), start())
      .when(succeeded(stepId('before')))
      .thenTypes('step.succeeded', 'state.failed', 'run.failed');
    expect(stepView(player.state, stepId('before'))?.status).toBe('SUCCEEDED');
    expect(stepView(player.state, a)?.error?.message).toContain(after);
    expect(errorOf(player)).toMatchObject({ ...tooLarge, details: { state: 'a', limitBytes: limit } });
    given(plan(states({ ...state, catch: caught }, rescue)))
      .when(start())
      .thenTypes('run.started', 'state.failed', 'state.caught', 'step.scheduled');
  });

  test('of a parallel or foreach: what its children gave together', () => {
    const half = textOf(limit / 2);
    const children = { x: states(operation('one', null)), y: states(operation('two', null)) };
    const wide = plan(states(parallel('a', null, children, { catch: caught }), rescue));
    const player = given(wide, start(), succeeded(stepId('one', 'a/x'), half))
      .when(succeeded(stepId('two', 'a/y'), half))
      .thenTypes('step.succeeded', 'scope.completed', 'state.failed', 'state.caught', 'step.scheduled');
    expect(stepView(player.state, a)?.error?.message).toMatch(
      /^the result of state "a" has \d+ bytes of JSON/,
    );
    expect(stepView(player.state, stepId('two', 'a/y'))?.status).toBe('SUCCEEDED');

    const each = plan(states(foreach('a', null, ['list'], states(operation('one', null)))));
    const items = new Player(each).play(start({ list: [1, 2, 3] }));
    for (const index of [0, 1, 2]) items.play(succeeded(stepId('one', `a/${index}`), half));
    expect(items.history.at(-1)?.event).toMatchObject({
      type: 'run.failed',
      origin: { state: 'a' },
      error: tooLarge,
    });
  });

  test('of a branch, by what it wrote or by its output: its join fails, and may catch that', () => {
    const branch = states(operation('one', 'two'), operation('two', null));
    const joined = plan(states(parallel('a', null, { x: branch }, { catch: caught }), rescue));
    const player = given(joined, start(), succeeded(stepId('one', 'a/x'), atLimit))
      .when(succeeded(stepId('two', 'a/x')))
      .thenTypes('step.succeeded', 'scope.failed', 'state.failed', 'state.caught', 'step.scheduled');
    expect(stepView(player.state, stepId('two', 'a/x'))?.status).toBe('SUCCEEDED');
    expect(stepView(player.state, a)?.error?.message).toContain('the output of "a/x"');
  });

  test('of a child run', () => {
    const parent = plan(states(childWorkflow('a', null)));
    const player = new Player(parent).play(start());
    const childRunId = stepView(player.state, a)?.childRunId ?? '';
    player.play({ type: 'child_ended', stepId: a, childRunId, outcome: { ok: true, output: overLimit } });
    expect(stepView(player.state, a)).toMatchObject({ status: 'FAILED', error: tooLarge });
  });
});

describe('an input of more than 512 KiB fails the state that it is for', () => {
  const given2 = (input: Json): Command => start(input);
  const doubled = object({ agent: literal('helper'), one: expression('half'), two: expression('half') });
  const half = textOf(limit / 2);

  test('though it is the first, and the run has started', () => {
    const first = plan(states(operation('a', null, { input: doubled, catch: caught }), rescue));
    given(first)
      .when(given2({ half }))
      .thenTypes('run.started', 'state.failed', 'state.caught', 'step.scheduled');
    const player = given(plan(states(operation('a', null, { input: doubled }))))
      .when(given2({ half }))
      .thenTypes('run.started', 'state.failed', 'run.failed');
    expect(errorOf(player)?.message).toMatch(/^State "a" failed.*: the input of state "a" has \d+ bytes/);
  });

  test('of a child run', () => {
    given(plan(states(childWorkflow('a', null, { input: doubled, catch: caught }), rescue)))
      .when(given2({ half }))
      .thenTypes('run.started', 'state.failed', 'state.caught', 'step.scheduled');
  });

  test('of an approval: message, summary and approvers together', () => {
    const input = { message: expression('half'), summaryPath: literal('half') };
    const player = given(plan(states(approval('a', null, input))))
      .when(given2({ half }))
      .thenTypes('run.started', 'state.failed', 'run.failed');
    expect(errorOf(player)).toMatchObject(tooLarge);
  });
});

describe('the output of a run of more than 512 KiB', () => {
  const twice = states(
    operation('a', 'b'),
    operation('b', null, { retry: attempts(3), catch: caught }),
    rescue,
  );

  test('fails the run and no state: the last step has succeeded and is not tried again', () => {
    const player = given(plan(twice), start(), succeeded(a, textOf(limit / 2)))
      .when(succeeded(stepId('b'), textOf(limit / 2)))
      .thenTypes('step.succeeded', 'run.failed');
    expect(stepView(player.state, stepId('b'))?.status).toBe('SUCCEEDED');
    expect(player.history.at(-1)?.event).toEqual({
      type: 'run.failed',
      error: expect.objectContaining(tooLarge),
    });
    expect(errorOf(player)?.message).toMatch(
      /^The output of the run, without an `output`, has \d+ bytes of JSON, the limit is 524288; pass less/,
    );
  });

  test('is no matter while the run has an `output` that is smaller, however large its context is', () => {
    const told = plan({ ...twice, output: literal('small') });
    const player = new Player(told).play(start(), succeeded(a, atLimit), succeeded(stepId('b'), atLimit));
    expect(runView(player.state)).toMatchObject({ status: 'COMPLETED', output: 'small' });
  });
});

describe('what others send is refused when it is more than 512 KiB, and changes nothing', () => {
  test('the input of a start', () => {
    given(plan(states(operation('a', null))))
      .when(start({ text: overLimit }))
      .thenRefused('PAYLOAD_TOO_LARGE');
  });

  test('the payload of a signal', () => {
    const hearing = plan(states(signal('hear', null)));
    given(hearing, start())
      .when(signalled('go', 's1', overLimit))
      .thenRefused('PAYLOAD_TOO_LARGE');
    given(hearing, start())
      .when(signalled('go', 's1', atLimit))
      .thenTypes('signal.received', 'state.completed', 'run.failed');
  });

  test('the data of a decision', () => {
    const asking = plan(states(approval('ask', null)));
    const ask = stepId('ask');
    given(asking, start())
      .when(approve(ask, 'user:bob', { data: atLimit }))
      .thenRefused('PAYLOAD_TOO_LARGE');
    given(asking, start())
      .when(approve(ask, 'user:bob', { data: textOf(limit - 1_000) }))
      .thenTypes('approval.approved', 'step.succeeded', 'run.completed');
  });
});

describe('what is quoted into an error is cut', () => {
  const long = 'x'.repeat(100_000);
  const bytes = (value: unknown): number => JSON.stringify(value).length;

  test('of a worker: its message, its details and its warnings', () => {
    const one = plan(states(operation('a', null)));
    const player = new Player(one).play(start());
    player.play({ ...failed(a), error: stepError('AGENT_ERROR', long, { long }) } as Command);
    for (const { event } of player.history) expect(bytes(event)).toBeLessThan(10_000);
    const warnings = Array.from({ length: 1_000 }, () => ({ code: long, message: long }));
    const warned = new Player(one).play(start(), { ...succeeded(a), warnings } as Command);
    for (const { event } of warned.history) expect(bytes(event)).toBeLessThan(10_000);
    expect(stepView(warned.state, a)?.warnings?.at(-1)?.message).toBe('and 990 more');
  });

  test('of a rejection, its comment', () => {
    const player = new Player(plan(states(approval('ask', null)))).play(start());
    player.play(reject(stepId('ask'), 'user:bob', long));
    for (const { event } of player.history)
      expect(bytes(event)).toBeLessThan(event.type === 'approval.rejected' ? 200_000 : 10_000);
  });

  test('of an expression and of a value', () => {
    const asked = plan(states(approval('a', null, { quorum: literal(long) })));
    expect(
      bytes(given(asked).when(start()).thenTypes('run.started', 'state.failed', 'run.failed').history),
    ).toBeLessThan(3_000);
    const broken = plan(states(transform('a', null, long, ['x'])));
    expect(
      bytes(given(broken).when(start()).thenTypes('run.started', 'state.failed', 'run.failed').history),
    ).toBeLessThan(20_000);
  });

  test('of the findings of a schema: the first, and how many there are', () => {
    const schema = { required: Array.from({ length: 500 }, (_, index) => `${long}${index}`) };
    const player = new Player(plan(states(signal('hear', null, { schema })))).play(start());
    const refusal = player.send(signalled('go', 's1'));
    expect(refusal).toMatchObject({ code: 'SIGNAL_PAYLOAD_INVALID' });
    expect(bytes(refusal)).toBeLessThan(10_000);
  });
});

test('a run that is given up fails without a state, and takes back what is in flight', () => {
  const player = given(plan(states(operation('a', null))), start())
    .when({ type: 'give_up', error: stepError('INTERNAL', 'the event step.succeeded cannot be sent') })
    .thenEvents({ type: 'step.cancelled', stepId: a }, { type: 'run.failed' });
  expect(player.effects.map(({ type }) => type)).toContain('withdraw_step');
  expect(errorOf(player)?.message).toMatch(/^The event step.succeeded cannot be sent\./);
});
