import { describe, expect, test } from 'vitest';
import {
  attempts,
  childWorkflow,
  choose,
  expression,
  foreach,
  inject,
  literal,
  operation,
  parallel,
  path,
  plan,
  signal,
  states,
  wait,
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
  signalled,
  start,
  startTime,
  stepId,
  succeeded,
} from '../../test/support/scenario.js';
import { type Command, runView, stepError, stepView, timers } from '../index.js';

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
    expect(effects).toEqual([{ type: 'withdraw_tasks', stepId: a }, { type: 'withdraw_tasks' }]);
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
    expect(first).toBeLessThan(250);
    expect(player.history.at(-1)?.event.type).toBe('run.yielded');
    expect(player.effects.at(-1)).toMatchObject({
      type: 'set_timer',
      dueAt: startTime,
      purpose: { kind: 'yield_over' },
    });
    expect(timers(player.state)).toMatchObject([{ timerId: 'run/yield' }]);
    expect(player.status).toBe('RUNNING');
    player.play(fired({ kind: 'yield_over' }));
    expect(player.history.length).toBeGreaterThan(first + 100);
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
    expect(player.history.length).toBeLessThan(250);
    player.play(fired({ kind: 'yield_over' }), fired({ kind: 'yield_over' }));
    expect(player.history.filter(({ event }) => event.type === 'step.scheduled')).toHaveLength(450);
    given(wide, start({ items: [1] }))
      .when(fired({ kind: 'yield_over' }))
      .thenRefused('TIMER_NOT_WANTED');
  });
});

describe('a wait', () => {
  const id = stepId('rest');

  test('goes on when its time is over', () => {
    const waiting = plan(states(wait('rest', 'a', { delayMs: 5_000 }), operation('a', null)));
    const player = given(waiting)
      .when(start())
      .thenEvents({ type: 'run.started' }, { type: 'state.entered', kind: 'wait', dueAt: startTime + 5_000 });
    expect(player.effects).toMatchObject([
      { type: 'set_timer', timerId: `${id}/wait`, dueAt: startTime + 5_000 },
    ]);
    expect(player.status).toBe('RUNNING');
    given(waiting, start())
      .when(fired({ kind: 'wait_over', stepId: id }))
      .thenEvents({ type: 'state.completed', kind: 'wait' }, { type: 'step.scheduled', state: 'a' });
    given(waiting, start(), fired({ kind: 'wait_over', stepId: id }))
      .when(fired({ kind: 'wait_over', stepId: id }))
      .thenRefused('TIMER_NOT_WANTED');
  });

  test('until a time reads RFC 3339', () => {
    const waiting = plan(states(wait('rest', null, { instant: expression('at') })));
    given(waiting)
      .when(start({ at: '2030-06-01T10:00:00+02:00' }))
      .thenEvents({ type: 'run.started' }, { type: 'state.entered', dueAt: Date.UTC(2030, 5, 1, 8) });
    for (const at of ['tomorrow', '2030-06-01', 17, '2030-13-01T00:00:00Z', null])
      given(waiting).when(start({ at })).thenTypes('run.started', 'state.failed', 'run.failed');
  });

  test('drops its timer when the run is cancelled', () => {
    const waiting = plan(states(wait('rest', null, { delayMs: 5_000 })));
    const { effects } = given(waiting, start()).when(cancel).thenTypes('step.cancelled', 'run.cancelled');
    expect(effects[0]).toEqual({ type: 'cancel_timer', timerId: `${id}/wait` });
  });
});

describe('a signal', () => {
  const id = stepId('hear');
  const hearing = plan(states(operation('a', 'hear'), signal('hear', null, { timeoutMs: 9_000 })));

  test('that a state waits for completes it with the payload', () => {
    const player = new Player(hearing).play(start(), succeeded(a));
    expect(player.status).toBe('WAITING_SIGNAL');
    const { effects } = given(hearing, start(), succeeded(a))
      .when(signalled('go', 's1', { by: 'ci' }))
      .thenEvents(
        { type: 'signal.received', signalId: 's1' },
        { type: 'state.completed', kind: 'signal', output: { by: 'ci' } },
        { type: 'run.completed', output: { steps: { hear: { by: 'ci' } } } as never },
      );
    expect(effects).toContainEqual({ type: 'cancel_timer', timerId: `${id}/signal` });
  });

  test('that comes early is kept until a state waits for it, the oldest first', () => {
    const twice = plan(states(operation('a', 'hear'), signal('hear', 'again'), signal('again', null)));
    given(twice, start(), signalled('go', 's1', 1), signalled('other', 's0', 0), signalled('go', 's2', 2))
      .when(succeeded(a))
      .thenEvents(
        { type: 'step.succeeded' },
        { type: 'state.entered', state: 'hear' },
        { type: 'state.completed', output: 1 },
        { type: 'state.entered', state: 'again' },
        { type: 'state.completed', output: 2 },
        { type: 'run.completed' },
      );
  });

  test('counts once', () => {
    given(hearing, start(), signalled('go', 's1'))
      .when(signalled('go', 's1'))
      .thenRefused('SIGNAL_ALREADY_RECEIVED');
  });

  test('goes to the state that has waited longest', () => {
    const both = plan(
      states(parallel('p', null, { x: states(signal('hear', null)), y: states(signal('hear', null)) })),
    );
    given(both, start())
      .when(signalled('go', 's1'))
      .thenEvents(
        { type: 'signal.received' },
        { type: 'state.completed', scope: 'p/x' },
        { type: 'scope.completed' },
      );
  });

  test('that does not come in time fails its state, which may catch that', () => {
    const late = fired({ kind: 'signal_timeout', stepId: id });
    const { state } = given(hearing, start(), succeeded(a))
      .when(late)
      .thenTypes('state.failed', 'run.failed');
    expect(stepView(state, id)).toMatchObject({ status: 'TIMED_OUT', error: { code: 'SIGNAL_TIMEOUT' } });
    const caught = plan(
      states(
        signal('hear', null, { timeoutMs: 9, catch: [{ errors: ['SIGNAL_TIMEOUT'], next: 'a' }] }),
        operation('a', null),
      ),
    );
    given(caught, start()).when(late).thenTypes('state.failed', 'state.caught', 'step.scheduled');
  });

  test('with a payload that cannot be kept fails its state once, and is gone', () => {
    const whole = plan(
      states(signal('hear', null, { resultPath: [], catch: [{ errors: ['*'], next: 'hear' }] })),
    );
    const player = new Player(whole).play(start(), signalled('go', 's1', 'text'));
    expect(player.history.filter(({ event }) => event.type === 'state.failed')).toHaveLength(1);
    expect(player.status).toBe('WAITING_SIGNAL');
  });
});

describe('a child run', () => {
  const id = stepId('sub');
  const parent = plan(states(childWorkflow('sub', 'a'), operation('a', null)));
  const childOf = (player: Player): string => stepView(player.state, id)?.childRunId ?? '';
  const ended = (player: Player, outcome: Extract<Command, { type: 'child_ended' }>['outcome']): Command => ({
    type: 'child_ended',
    stepId: id,
    childRunId: childOf(player),
    outcome,
  });

  test('is started under an id that is always the same, and its output is the result', () => {
    const player = given(parent)
      .when(start())
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.entered', kind: 'workflow', input: { from: 'parent' } },
      );
    expect(childOf(player)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(player.effects).toEqual([
      {
        type: 'start_child',
        stepId: id,
        childRunId: childOf(player),
        workflow: 'other',
        input: { from: 'parent' },
        linked: true,
      },
    ]);
    expect(childOf(new Player(parent).play(start()))).toBe(childOf(player));
    expect(player.send(ended(player, { ok: true, output: 5 }))).toMatchObject({
      events: [
        { type: 'state.completed', kind: 'workflow', output: 5 },
        { type: 'step.scheduled', state: 'a' },
      ],
    });
    expect(player.send(ended(player, { ok: true, output: 5 }))).toMatchObject({ code: 'STALE_ATTEMPT' });
  });

  test('that fails fails the state with its error, which may be caught', () => {
    const player = new Player(parent).play(start());
    player.play(ended(player, { ok: false, error: stepError('TOOL_ERROR', 'no') }));
    expect(runView(player.state)?.error).toMatchObject({ code: 'TOOL_ERROR' });
    const caught = plan(
      states(
        childWorkflow('sub', null, { catch: [{ errors: ['TOOL_ERROR'], next: 'a' }] }),
        operation('a', null),
      ),
    );
    const catching = new Player(caught).play(start());
    catching.play(ended(catching, { ok: false, error: stepError('TOOL_ERROR', 'no') }));
    expect(catching.status).toBe('RUNNING');
  });

  test('is cancelled with its parent', () => {
    const { effects, state } = given(parent, start())
      .when(cancel)
      .thenTypes('step.cancelled', 'run.cancelled');
    expect(effects[0]).toEqual({ type: 'cancel_child', childRunId: stepView(state, id)?.childRunId });
  });

  test('that is not waited for is started without a link, and the run goes on with its id', () => {
    const forgetting = plan(states(childWorkflow('sub', 'a', { waits: false }), operation('a', null)));
    const player = given(forgetting)
      .when(start())
      .thenTypes('run.started', 'state.entered', 'state.completed', 'step.scheduled');
    expect(player.effects[0]).toMatchObject({ type: 'start_child', linked: false });
    expect(stepView(player.state, id)?.output).toEqual({ run_id: childOf(player) });
    expect(player.send(ended(player, { ok: true, output: 1 }))).toMatchObject({ code: 'STALE_ATTEMPT' });
  });

  test.each([
    [
      'completed',
      (player: Player) => player.play(succeeded(a, 1)),
      { ok: true, output: { steps: { a: 1 } } },
    ],
    ['failed', (player: Player) => player.play(failed(a)), { ok: false, error: { code: 'AGENT_ERROR' } }],
    [
      'cancelled',
      (player: Player) => player.play(cancel),
      { ok: false, error: { code: 'CANCELLED', message: 'Cancelled by user:ops: enough' } },
    ],
    [
      'timed out',
      (player: Player) => player.play(fired({ kind: 'run_timeout' })),
      { ok: false, error: { code: 'RUN_TIMEOUT' } },
    ],
  ])('tells its parent when it has %s', (_end, play, outcome) => {
    const child = new Player(plan(states(operation('a', null)), { timeoutMs: 1_000 }));
    child.play({ ...start(), parent: { runId: 'parent-1', stepId: 's' } } as Command);
    play(child);
    expect(child.effects.at(-1)).toMatchObject({
      type: 'notify_parent',
      parentRunId: 'parent-1',
      stepId: 's',
      outcome,
    });
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
