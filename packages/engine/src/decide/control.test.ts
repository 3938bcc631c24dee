import { describe, expect, test } from 'vitest';
import {
  attempts,
  choose,
  expression,
  foreach,
  inject,
  literal,
  operation,
  parallel,
  path,
  plan,
  states,
} from '../../test/support/plans.js';
import {
  cancel,
  failed,
  fired,
  given,
  Player,
  pause,
  resume,
  runId,
  start,
  startTime,
  stepId,
  succeeded,
} from '../../test/support/scenario.js';
import { runView, stepView, timers } from '../index.js';

const a = stepId('a');
const b = stepId('b');
const twoSteps = plan(states(operation('a', 'b', { retry: attempts(2) }), operation('b', null)));

describe('pause and resume', () => {
  test('a paused run keeps the results of what is in flight and schedules nothing', () => {
    const player = given(twoSteps, start(), pause).when(succeeded(a)).thenTypes('step.succeeded');
    expect(player.status).toBe('PAUSED');
    expect(player.send(resume)).toMatchObject({
      events: [{ type: 'run.resumed' }, { type: 'step.scheduled', stepId: b }],
    });
  });

  test('a paused run ends only after it is resumed', () => {
    given(twoSteps, start(), succeeded(a), pause).when(succeeded(b)).thenTypes('step.succeeded');
    given(twoSteps, start(), succeeded(a), pause, succeeded(b))
      .when(resume)
      .thenTypes('run.resumed', 'run.completed');
  });

  test('a retry that comes due during a pause waits for the end of the pause', () => {
    const due = fired({ kind: 'retry_due', stepId: a, attempt: 2 });
    const player = given(twoSteps, start(), failed(a), pause).when(due).thenEvents();
    player.play(resume);
    expect(player.effects.at(-1)).toMatchObject({ type: 'set_timer', timerId: `${a}/retry` });
    player.play(due);
    expect(player.history.at(-1)?.event).toMatchObject({ type: 'step.scheduled', attempt: 2 });
  });

  test('a branch that can go on does so at the end of the pause, with all the others', () => {
    const both = plan(
      states(
        parallel('p', null, {
          x: states(operation('s', 't'), operation('t', null)),
          y: states(operation('s', 't'), operation('t', null)),
        }),
      ),
    );
    given(both, start(), pause, succeeded(stepId('s', 'p/y')), succeeded(stepId('s', 'p/x')))
      .when(resume)
      .thenEvents(
        { type: 'run.resumed' },
        { type: 'step.scheduled', scope: 'p/y' },
        { type: 'step.scheduled', scope: 'p/x' },
      );
  });

  test('a failure is followed to its end during a pause', () => {
    given(twoSteps, start(), pause)
      .when(failed(a, 'PROVIDER_AUTH'))
      .thenTypes('step.failed', 'step.exhausted', 'run.failed');
  });
});

describe('the end of a run from outside', () => {
  test('cancel aborts what is in flight and drops all timers', () => {
    const { effects, state } = given(twoSteps, start())
      .when(cancel)
      .thenEvents(
        { type: 'step.cancelled', stepId: a },
        { type: 'run.cancelled', actor: 'user:ops', reason: 'enough' },
      );
    expect(effects).toEqual([
      { type: 'withdraw_step', stepId: a, attempt: 1, target: 'worker' },
      { type: 'cancel_timers' },
    ]);
    expect(stepView(state, a)?.status).toBe('CANCELLED');
    expect(timers(state)).toEqual([]);
    expect(runView(state)).toMatchObject({
      status: 'CANCELLED',
      stoppedBy: { actor: 'user:ops', reason: 'enough' },
    });
  });

  test('a run that is not over in its time ends as timed out', () => {
    const timed = plan(states(operation('a', null)), { timeoutMs: 30_000 });
    const player = new Player(timed).play(start());
    expect(player.effects).toContainEqual({
      type: 'set_timer',
      timerId: 'run/timeout',
      dueAt: startTime + 30_000,
      purpose: { kind: 'run_timeout' },
    });
    player.play(fired({ kind: 'run_timeout' }));
    expect(player.status).toBe('TIMED_OUT');
    expect(runView(player.state)?.error).toMatchObject({ code: 'RUN_TIMEOUT' });
    expect(player.history.map(({ event }) => event.type).slice(-2)).toEqual([
      'step.cancelled',
      'run.timed_out',
    ]);
  });

  test('a run that ends in its time takes its timer back', () => {
    const timed = plan(states(operation('a', null)), { timeoutMs: 30_000 });
    const { effects } = given(timed, start()).when(succeeded(a)).thenTypes('step.succeeded', 'run.completed');
    expect(effects).toContainEqual({ type: 'cancel_timer', timerId: 'run/timeout' });
  });
});

describe('a run that never waits', () => {
  const endless = plan(states(choose('one', [['true', 'two']]), choose('two', [['true', 'one']])));

  test('lets others go first after a bounded number of states, and goes on when its timer fires', () => {
    const player = new Player(endless).play(start());
    const first = player.history.length;
    expect(first).toBeLessThan(100);
    expect(player.history.at(-1)?.event.type).toBe('run.yielded');
    expect(player.effects.at(-1)).toMatchObject({
      type: 'set_timer',
      dueAt: startTime,
      purpose: { kind: 'yield_over' },
    });
    expect(timers(player.state)).toMatchObject([{ timerId: 'run/yield' }]);
    expect(player.status).toBe('RUNNING');
    player.play(fired({ kind: 'yield_over' }));
    expect(player.history.length).toBeGreaterThan(first + 12);
    expect(player.history.at(-1)?.event.type).toBe('run.yielded');
  });

  test('can be paused, resumed and cancelled between', () => {
    given(endless, start(), pause)
      .when(fired({ kind: 'yield_over' }))
      .thenEvents();
    given(endless, start(), pause).when(cancel).thenTypes('run.cancelled');
    const player = new Player(endless).play(start(), pause);
    expect(timers(player.state)).toEqual([]);
    player.play(resume);
    expect(player.history.at(-1)?.event.type).toBe('run.yielded');
  });

  test('splits a large fan-out', () => {
    const iterator = states(operation('s', null));
    const wide = plan(states(foreach('all', null, path('items'), iterator, { maxConcurrency: 1_000 })));
    const player = new Player(wide).play(start({ items: Array.from({ length: 450 }, (_, index) => index) }));
    const first = player.history.length;
    for (const count of [first, ...player.goOn()]) expect(count).toBeLessThan(100);
    expect(player.history.filter(({ event }) => event.type === 'step.scheduled')).toHaveLength(450);
    given(wide, start({ items: [1] }))
      .when(fired({ kind: 'yield_over' }))
      .thenRefused('TIMER_NOT_WANTED');
  });
});

test('the reserved roots tell the input and the run, and are not written', () => {
  const told = plan(states(inject('tell', null, expression('run'), path('told'))));
  const player = new Player(told).play(start({ n: 1, run: 'mine', input: 'mine' }));
  expect(runView(player.state)?.output).toEqual({
    n: 1,
    told: {
      id: runId,
      workflow: 'wf',
      version: 3,
      workspace: 'default',
      startedAt: '2030-01-01T00:00:00.000Z',
      attempt: 1,
    },
  });
  given(plan(states(inject('x', null, literal(1), path('run.id')))))
    .when(start())
    .thenTypes('run.started', 'state.failed', 'run.failed');
});

test('an input that is no object leaves the context empty', () => {
  const told = plan(states(inject('tell', null, expression('input'), path('told'))));
  const player = new Player(told).play(start([1, 2]));
  expect(runView(player.state)?.output).toEqual({ told: [1, 2] });
});
