import { describe, expect, test } from 'vitest';
import {
  attempts,
  expression,
  foreach,
  literal,
  object,
  operation,
  path,
  plan,
  states,
} from '../../test/support/plans.js';
import { failed, fired, given, Player, start, stepId, succeeded } from '../../test/support/scenario.js';
import { runView, stepView } from '../index.js';

const result = path('result');
const items = path('items');
const each = (extra = {}, iterator = states(operation('check', null, { resultPath: result }))) =>
  plan(states(foreach('all', null, items, iterator, extra)));
const item = (index: number) => stepId('check', `all/${index}`);

describe('a foreach', () => {
  test('takes its items one at a time unless told otherwise, with the item and its index by name', () => {
    const iterator = states(
      operation('check', null, {
        input: object({ agent: literal('x'), v: expression('item.v'), i: expression('index') }),
        resultPath: result,
      }),
    );
    const input = { items: [{ v: 'a' }, { v: 'b' }] };
    given(each({}, iterator))
      .when(start(input))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.entered', kind: 'foreach', itemCount: 2 },
        { type: 'scopes.forked', from: 0, to: 1 },
        { type: 'step.scheduled', scope: 'all/0', input: { agent: 'x', v: 'a', i: 0 } },
      );
    given(each({}, iterator), start(input))
      .when(succeeded(item(0)))
      .thenEvents(
        { type: 'step.succeeded' },
        { type: 'scope.completed', scope: 'all/0' },
        { type: 'scopes.forked', from: 1, to: 2 },
        { type: 'step.scheduled', scope: 'all/1', stepId: item(1), input: { agent: 'x', v: 'b', i: 1 } },
      );
  });

  test('hands over a list in the order of the items, whatever the order of the results', () => {
    const player = new Player(each({ maxConcurrency: 3 })).play(start({ items: [1, 2, 3] }));
    player.play(succeeded(item(2), 'c'), succeeded(item(0), 'a'), succeeded(item(1), 'b'));
    expect(runView(player.state)?.output).toMatchObject({
      steps: { all: [{ result: 'a' }, { result: 'b' }, { result: 'c' }] },
    });
  });

  test('over nothing is over at once, with an empty list', () => {
    given(each())
      .when(start({ items: [] }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.entered', itemCount: 0 },
        { type: 'state.completed' },
        { type: 'run.completed', output: { items: [], steps: { all: [] } } },
      );
  });

  test.each([
    [{}, /has no field "items"/],
    [{ items: 'text' }, /it is text/],
    [{ items: { a: 1 } }, /it is an object/],
  ])('over %j fails, because that is no list', (input, message) => {
    const { state } = given(each()).when(start(input)).thenTypes('run.started', 'state.failed', 'run.failed');
    expect(runView(state)?.error).toMatchObject({ code: 'ITEMS_NOT_A_LIST' });
    expect(runView(state)?.error?.message).toMatch(message);
  });

  test('fails with the first item that fails, and cancels the others', () => {
    const { state } = given(each({ maxConcurrency: 2 }), start({ items: [1, 2, 3] }))
      .when(failed(item(1)))
      .thenTypes(
        'step.failed',
        'step.exhausted',
        'scope.failed',
        'step.cancelled',
        'scope.cancelled',
        'state.failed',
        'run.failed',
      );
    expect(stepView(state, stepId('all'))?.error?.message).toBe('item 1 of "all" failed: it broke');
  });

  test('has null for the items whose failure it tolerates, and fails with one more', () => {
    const tolerant = each({ maxConcurrency: 3, toleratedFailures: 1 });
    const three = start({ items: [1, 2, 3] });
    const player = new Player(tolerant).play(
      three,
      failed(item(0)),
      succeeded(item(2), 'c'),
      succeeded(item(1), 'b'),
    );
    expect(runView(player.state)?.output).toMatchObject({
      steps: { all: [null, { result: 'b' }, { result: 'c' }] },
    });
    const { state } = given(tolerant, three, failed(item(0)))
      .when(failed(item(1)))
      .thenTypes(
        'step.failed',
        'step.exhausted',
        'scope.failed',
        'step.cancelled',
        'scope.cancelled',
        'state.failed',
        'run.failed',
      );
    expect(stepView(state, stepId('all'))?.error?.message).toContain('2 items have failed, 1 are tolerated');
  });

  test('lets an item be null, and not fall through to the context', () => {
    const iterator = states(
      operation('check', null, { input: object({ agent: literal('x'), v: expression('item') }) }),
    );
    given(each({}, iterator))
      .when(start({ items: [null], item: 'of the context' }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.entered' },
        { type: 'scopes.forked' },
        { type: 'step.scheduled', input: { agent: 'x', v: null } },
      );
  });

  test('retries a step of one item while the others go on', () => {
    const iterator = states(operation('check', null, { retry: attempts(2), resultPath: result }));
    const player = new Player(each({ maxConcurrency: 2 }, iterator)).play(
      start({ items: [1, 2] }),
      failed(item(0)),
      succeeded(item(1), 'b'),
      fired({ kind: 'retry_due', stepId: item(0), attempt: 2 }),
      succeeded(item(0), 'a', 2),
    );
    expect(runView(player.state)?.output).toMatchObject({
      steps: { all: [{ result: 'a' }, { result: 'b' }] },
    });
  });
});
