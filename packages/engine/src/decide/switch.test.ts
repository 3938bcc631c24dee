import { describe, expect, test } from 'vitest';
import {
  choose,
  expression,
  inject,
  literal,
  object,
  operation,
  path,
  plan,
  states,
  transform,
} from '../../test/support/plans.js';
import { given, Player, start, stepId, succeeded } from '../../test/support/scenario.js';
import { runView, stepView } from '../index.js';

const end = [operation('yes', null), operation('no', null)] as const;
const decision = (
  conditions: readonly (readonly [string, string])[],
  defaultNext?: string,
  dataPath?: string,
) =>
  plan(
    states(
      choose('choose', conditions, defaultNext, dataPath === undefined ? undefined : path(dataPath)),
      ...end,
    ),
  );

describe('a switch', () => {
  test('takes the first condition that is true', () => {
    given(
      decision([
        ['n > 5', 'no'],
        ['n > 1', 'yes'],
        ['n > 0', 'no'],
      ]),
    )
      .when(start({ n: 2 }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.completed', kind: 'switch', matched: 1, next: 'yes' },
        { type: 'step.scheduled', state: 'yes' },
      );
  });

  test('goes to its default when none is true', () => {
    given(decision([['n > 5', 'yes']], 'no'))
      .when(start({ n: 2 }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.completed', matched: -1, next: 'no' },
        { type: 'step.scheduled' },
      );
  });

  test('without a default fails when none is true', () => {
    const { state } = given(decision([['n > 5', 'yes']]))
      .when(start({ n: 2 }))
      .thenTypes('run.started', 'state.failed', 'run.failed');
    expect(runView(state)?.error?.code).toBe('NO_MATCHING_CONDITION');
  });

  test.each([
    ['that fails', 'nothing > 1', 'EXPRESSION_ERROR', /condition 1, nothing > 1: nothing is not defined/],
    [
      'that is neither true nor false',
      'n + 1',
      'EXPRESSION_ERROR',
      /gives a number; it must be true or false/,
    ],
    ['that hits a limit', 'limit()', 'EXPRESSION_LIMIT', /too many steps/],
  ])('with a condition %s fails and does not go to its default', (_what, condition, code, message) => {
    const { state } = given(decision([[condition, 'yes']], 'no'))
      .when(start({ n: 2 }))
      .thenTypes('run.started', 'state.failed', 'run.failed');
    expect(runView(state)?.error).toMatchObject({ code });
    expect(runView(state)?.error?.message).toMatch(message);
    expect(stepView(state, stepId('choose'))).toMatchObject({ kind: 'switch', status: 'FAILED' });
  });

  test('sees the value at its data path as `result`, and its fields by name', () => {
    const input = { found: { rate: 9 }, rate: 0 };
    given(decision([['rate > 5', 'yes']], 'no', 'found'))
      .when(start(input))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.completed', matched: 0 },
        { type: 'step.scheduled' },
      );
    given(decision([['result.rate == ctx.rate', 'yes']], 'no', 'found'))
      .when(start(input))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.completed', matched: -1 },
        { type: 'step.scheduled' },
      );
  });

  test('whose data path leads nowhere fails and says what is there', () => {
    const { state } = given(decision([['rate > 5', 'yes']], 'no', 'found.deep'))
      .when(start({ found: { rate: 1 } }))
      .thenTypes('run.started', 'state.failed', 'run.failed');
    expect(runView(state)?.error?.message).toContain('"found" has no field "deep"; it has: rate');
  });
});

describe('inject and transform', () => {
  test('write what they make and go on in the same decision', () => {
    const made = plan(
      states(
        inject(
          'defaults',
          'double',
          object({ limit: literal(5), who: expression('input.name') }),
          path('config'),
        ),
        transform('double', null, 'config.limit + 5', path('config.double')),
      ),
    );
    given(made)
      .when(start({ name: 'x' }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.completed', kind: 'inject', output: { limit: 5, who: 'x' } },
        { type: 'state.completed', kind: 'transform', output: 10 },
        { type: 'run.completed', output: { name: 'x', config: { limit: 5, who: 'x', double: 10 } } },
      );
  });

  test('spread over the whole context only what is an object without reserved names', () => {
    const spread = (data: Parameters<typeof literal>[0]) =>
      plan(states(inject('all', null, literal(data), [])));
    given(spread({ a: 1 }))
      .when(start({ a: 0, b: 0 }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.completed' },
        { type: 'run.completed', output: { a: 1, b: 0 } },
      );
    for (const data of [[1], 'x', { input: 1 }, JSON.parse('{"__proto__":1}')])
      given(spread(data)).when(start()).thenTypes('run.started', 'state.failed', 'run.failed');
  });

  test('fail where what they need is missing', () => {
    const broken = plan(states(transform('t', null, 'nope', path('x'))));
    const { state } = given(broken).when(start()).thenTypes('run.started', 'state.failed', 'run.failed');
    expect(runView(state)?.error?.code).toBe('EXPRESSION_ERROR');
  });
});

test('the output template of a workflow is the output of its run', () => {
  const told = plan({ ...states(operation('a', null)), output: object({ got: expression('steps.a') }) });
  const player = new Player(told).play(start(), succeeded(stepId('a'), 3));
  expect(runView(player.state)?.output).toEqual({ got: 3 });
});

test('an output template that cannot be filled fails the run and says so', () => {
  const told = plan({ ...states(operation('a', null)), output: expression('nope') });
  const player = new Player(told).play(start(), succeeded(stepId('a')));
  expect(player.status).toBe('FAILED');
  expect(runView(player.state)?.error?.message).toMatch(/^The output of the run could not be made:/);
});
