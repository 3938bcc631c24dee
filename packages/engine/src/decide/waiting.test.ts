import { describe, expect, test } from 'vitest';
import {
  childWorkflow,
  expression,
  operation,
  parallel,
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
  signalled,
  start,
  startTime,
  stepId,
  succeeded,
} from '../../test/support/scenario.js';
import { type Command, runView, stepError, stepView } from '../index.js';

const a = stepId('a');

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
    given(waiting)
      .when(start({ at: '2028-02-29T23:59:59.5Z' }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.entered', dueAt: Date.UTC(2028, 1, 29, 23, 59, 59, 500) },
      );
    for (const at of ['1969-12-31T23:59:59Z', '0000-01-01T00:00:00Z'])
      given(waiting)
        .when(start({ at }))
        .thenEvents({ type: 'run.started' }, { type: 'state.entered', dueAt: 0 });
    for (const at of [
      'tomorrow',
      '2030-06-01',
      17,
      '2030-13-01T00:00:00Z',
      '2030-02-29T00:00:00Z',
      '2030-06-31T23:00:00-05:00',
      '2030-06-01T24:00:00Z',
      null,
    ])
      given(waiting).when(start({ at })).thenTypes('run.started', 'state.failed', 'run.failed');
  });

  test('drops its timer when the run is cancelled', () => {
    const waiting = plan(states(wait('rest', null, { delayMs: 5_000 })));
    const { effects } = given(waiting, start()).when(cancel).thenTypes('step.cancelled', 'run.cancelled');
    expect(effects[0]).toEqual({ type: 'cancel_timer', timerId: `${id}/wait` });
  });
});

describe('a signal', () => {
  test('whose payload does not fit a state that waits for its name is refused, at any depth and before it waits; so is one that no state waits for', () => {
    const schema = { type: 'object', required: ['by'] };
    const inside = states(signal('hear', null, { schema }));
    const nested = plan(states(operation('a', 'p'), parallel('p', null, { left: inside })));
    given(nested, start())
      .when(signalled('go', 's1', { from: 'ci' }))
      .thenRefused('SIGNAL_PAYLOAD_INVALID');
    given(nested, start())
      .when(signalled('other', 's1', {}))
      .thenRefused('SIGNAL_UNKNOWN');
    given(nested, start())
      .when(signalled('go', 's1', { by: 'ci' }))
      .thenEvents({ type: 'signal.received' });
  });

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
    const last = signal('last', null, { signal: 'other' });
    const twice = plan(
      states(operation('a', 'hear'), signal('hear', 'again'), signal('again', 'last'), last),
    );
    given(twice, start(), signalled('go', 's1', 1), signalled('other', 's0', 0), signalled('go', 's2', 2))
      .when(succeeded(a))
      .thenEvents(
        { type: 'step.succeeded' },
        { type: 'state.entered', state: 'hear' },
        { type: 'state.completed', output: 1 },
        { type: 'state.entered', state: 'again' },
        { type: 'state.completed', output: 2 },
        { type: 'state.entered', state: 'last' },
        { type: 'state.completed', output: 0 },
        { type: 'run.completed' },
      );
  });

  test('counts once', () => {
    given(hearing, start(), signalled('go', 's1'))
      .when(signalled('go', 's1'))
      .thenRefused('SIGNAL_ALREADY_RECEIVED');
  });

  test('is the same again while name and payload are, also after the run has ended', () => {
    const again = { ...signalled('go', 's1', { b: 1, a: [2] }), actor: 'service:ci' };
    const received = given(hearing, start(), signalled('go', 's1', { a: [2], b: 1 }));
    received.when(again).thenRefused('SIGNAL_ALREADY_RECEIVED');
    given(hearing, start(), signalled('go', 's1', { a: [2], b: 1 }), cancel)
      .when(again)
      .thenRefused('SIGNAL_ALREADY_RECEIVED');
    for (const other of [signalled('go', 's1', { b: 1, a: [3] }), signalled('other', 's1', { a: [2], b: 1 })])
      received.when(other).thenRefused('SIGNAL_ID_REUSED');
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
        root: { runId: 'run-1', depth: 1 },
        maxFamilyRuns: 10_000,
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

  test('is not started more than 16 deep, so that a workflow that runs itself ends', () => {
    const at = (depth: number): Command => ({ ...start(), root: { runId: 'root', depth } }) as Command;
    given(parent).when(at(15)).thenTypes('run.started', 'state.entered');
    const player = given(parent).when(at(16)).thenTypes('run.started', 'state.failed', 'run.failed');
    expect(runView(player.state)?.error).toMatchObject({ code: 'LIMIT_EXCEEDED' });
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
