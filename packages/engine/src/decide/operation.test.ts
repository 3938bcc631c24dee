import { describe, expect, test } from 'vitest';
import {
  attempts,
  expression,
  literal,
  object,
  operation,
  path,
  plan,
  states,
} from '../../test/support/plans.js';
import {
  failed,
  fired,
  given,
  Player,
  start,
  startTime,
  stepId,
  succeeded,
} from '../../test/support/scenario.js';
import { runView, stepError, stepView, timers } from '../index.js';

const a = stepId('a');
const b = stepId('b');
const twoSteps = plan(states(operation('a', 'b'), operation('b', null)));

describe('an operation', () => {
  test('is scheduled with its rendered input when the run starts, and dispatched', () => {
    const rendered = plan(
      states(operation('a', null, { input: object({ agent: literal('helper'), n: expression('ctx.n') }) })),
    );
    const { effects, state } = given(rendered)
      .when(start({ n: 7 }))
      .thenEvents(
        { type: 'run.started', runId: 'run-1', start: 'a', startedBy: 'user:alice' },
        { type: 'step.scheduled', stepId: a, attempt: 1, input: { agent: 'helper', n: 7 }, next: null },
      );
    expect(effects).toMatchObject([{ type: 'dispatch_step', stepId: a, attempt: 1, target: 'worker' }]);
    expect(stepView(state, a)).toMatchObject({ status: 'PENDING', attempt: 1, scheduledAt: startTime });
  });

  test('writes its output at its result path and lets the next state begin', () => {
    const { state } = given(twoSteps, start())
      .when(succeeded(a, { answer: 42 }))
      .thenEvents(
        { type: 'step.succeeded', stepId: a, output: { answer: 42 } },
        { type: 'step.scheduled', stepId: b },
      );
    expect(stepView(state, a)).toMatchObject({ status: 'SUCCEEDED', worker: 'w1', output: { answer: 42 } });
  });

  test('of the last state ends the run with the whole context, without the reserved roots', () => {
    const player = given(twoSteps, start({ service: 'shop' }), succeeded(a, 1))
      .when(succeeded(b, 2))
      .thenEvents(
        { type: 'step.succeeded' },
        { type: 'run.completed', output: { service: 'shop', steps: { a: 1, b: 2 } } },
      );
    expect(player.status).toBe('COMPLETED');
  });

  test('tells its start without moving the run', () => {
    const started = {
      type: 'step_started',
      stepId: a,
      attempt: 1,
      beginning: 'b1',
      startedAt: startTime,
      worker: 'w2',
    } as const;
    const { state } = given(twoSteps, start())
      .when(started)
      .thenEvents({ type: 'step.started', worker: 'w2' });
    expect(stepView(state, a)).toMatchObject({ status: 'RUNNING', startedAt: startTime, worker: 'w2' });
    given(twoSteps, start(), started).when(started).thenEvents();
  });

  test.each([9e15, 1e300, Number.NaN, -1, 0.5, 0, startTime - 1, startTime + 10_000])(
    'that its worker says to have begun at %d began between its schedule and the report',
    (startedAt) => {
      const reported = { stepId: a, attempt: 1, startedAt, worker: 'w' } as const;
      const error = stepError('AGENT_ERROR', 'no');
      for (const command of [
        { type: 'step_started', beginning: 'b1', ...reported },
        { type: 'step_succeeded', ...reported, output: 1 },
        { type: 'step_failed', ...reported, error },
      ] as const) {
        const { now, state } = new Player(twoSteps).play(start(), command);
        const said = stepView(state, a)?.startedAt;
        expect(said).toBeGreaterThanOrEqual(startTime);
        expect(said).toBeLessThan(now);
      }
    },
  );

  test('keeps the warnings of a result on the step', () => {
    const warnings = [{ code: 'SCHEMA_VALIDATION_OUTPUT', message: 'no field "x"' }];
    const { state } = given(twoSteps, start())
      .when({ type: 'step_succeeded', stepId: a, attempt: 1, output: {}, warnings })
      .thenTypes('step.succeeded', 'step.scheduled');
    expect(stepView(state, a)?.warnings).toEqual(warnings);
  });

  test('without task and variables takes the output of the state before it, and at first the input of the run', () => {
    const piped = plan(
      states(
        operation('a', 'b', { takesPreviousOutput: true }),
        operation('b', null, { takesPreviousOutput: true }),
      ),
    );
    given(piped)
      .when(start({ n: 1 }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'step.scheduled', input: { agent: 'helper', variables: { n: 1 } } },
      );
    given(piped, start({ n: 1 }))
      .when(succeeded(a, { out: 2 }))
      .thenEvents({ type: 'step.succeeded' }, { type: 'step.scheduled', input: { variables: { out: 2 } } });
  });

  test('visited again in a loop has another step id', () => {
    const loop = plan(states(operation('a', 'a')));
    given(loop, start())
      .when(succeeded(a))
      .thenEvents(
        { type: 'step.succeeded' },
        { type: 'step.scheduled', stepId: stepId('a', '', 2), visit: 2 },
      );
  });

  test('whose result could not be written is not dispatched', () => {
    const through = plan(states(operation('a', null, { resultPath: path('n.x') })));
    given(through)
      .when(start({ n: 5 }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.failed', kind: 'operation', error: { code: 'TEMPLATE_ERROR' } as never },
        { type: 'run.failed' },
      );
  });

  test('with the whole context as result path takes only an object', () => {
    const whole = plan(states(operation('a', null, { resultPath: [] })));
    given(whole, start({ k: 0 }))
      .when(succeeded(a, { k: 1, l: 2 }))
      .thenEvents({ type: 'step.succeeded' }, { type: 'run.completed', output: { k: 1, l: 2 } });
    given(whole, start()).when(succeeded(a, 'text')).thenTypes('step.failed', 'step.exhausted', 'run.failed');
    given(whole, start())
      .when(succeeded(a, { run: 1 }))
      .thenTypes('step.failed', 'step.exhausted', 'run.failed');
  });
});

describe('an operation whose input cannot be made', () => {
  test.each([
    ['an expression that fails', { agent: literal('x'), v: expression('nope') }, 'TEMPLATE_ERROR'],
    [
      'an expression that hits a limit',
      { agent: literal('x'), v: expression('limit()') },
      'EXPRESSION_LIMIT',
    ],
    ['an empty agent name', { agent: literal(' ') }, 'AGENT_NOT_FOUND'],
    ['an agent name that is no text', { agent: expression('ctx') }, 'AGENT_NOT_FOUND'],
    ['no agent name', {}, 'AGENT_NOT_FOUND'],
  ] as const)('fails by %s before any worker sees it', (_why, fields, code) => {
    const broken = plan(states(operation('a', null, { input: object(fields) })));
    const { state, effects } = given(broken)
      .when(start())
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.failed', stepId: a },
        { type: 'run.failed', origin: { state: 'a', scope: '', stepId: a } },
      );
    expect(stepView(state, a)).toMatchObject({ status: 'FAILED', error: { code } });
    expect(effects.some(({ type }) => type === 'dispatch_step')).toBe(false);
  });

  test('says that an agent name is required', () => {
    const broken = plan(states(operation('a', null, { input: object({ agent: literal('') }) })));
    const { state } = new Player(broken).play(start());
    expect(stepView(state, a)?.error?.message).toBe('agent name is required');
  });

  test('goes where its catch says, or is skipped when it is optional', () => {
    const input = object({ agent: literal('') });
    const caught = operation('a', null, {
      input,
      catch: [{ errors: ['AGENT_NOT_FOUND'], next: 'b', resultPath: path('oops') }],
    });
    given(plan(states(caught, operation('b', null))))
      .when(start())
      .thenTypes('run.started', 'state.failed', 'state.caught', 'step.scheduled');
    const optional = operation('a', 'b', { input, optional: true });
    const { state } = given(plan(states(optional, operation('b', null))))
      .when(start())
      .thenTypes('run.started', 'state.failed', 'step.skipped', 'step.scheduled');
    expect(stepView(state, a)?.status).toBe('SKIPPED');
  });
});

describe('a failed attempt', () => {
  const retried = plan(
    states(operation('a', 'b', { retry: attempts(3), timeoutMs: 5_000, catch: [] }), operation('b', null)),
  );

  test('is followed by another after a pause, with the same input and a new timeout', () => {
    const player = given(retried, start())
      .when(failed(a))
      .thenEvents({ type: 'step.failed', attempt: 1 }, { type: 'step.retry_scheduled', attempt: 2 });
    expect(player.effects.map(({ type }) => type)).toEqual(['cancel_timer', 'set_timer']);
    const [timer] = timers(player.state);
    expect(timer?.purpose).toEqual({ kind: 'retry_due', stepId: a, attempt: 2 });
    expect(timer?.dueAt).toBeLessThanOrEqual(player.now + 1_000);
    expect(player.status).toBe('RUNNING');
    player.play(fired({ kind: 'retry_due', stepId: a, attempt: 2 }));
    expect(player.history.at(-1)?.event).toMatchObject({
      type: 'step.scheduled',
      stepId: a,
      attempt: 2,
      input: { agent: 'helper' },
      timeoutAt: startTime + 1_000 + 5_000,
    });
  });

  test('leads to the end of the run when it was the last', () => {
    const player = new Player(retried).play(start());
    for (const attempt of [1, 2]) {
      player.play(failed(a, 'AGENT_ERROR', attempt));
      player.play(fired({ kind: 'retry_due', stepId: a, attempt: attempt + 1 }));
    }
    player.play(failed(a, 'AGENT_ERROR', 3));
    expect(player.history.slice(-3).map(({ event }) => event.type)).toEqual([
      'step.failed',
      'step.exhausted',
      'run.failed',
    ]);
    const error = runView(player.state)?.error;
    expect(error).toMatchObject({ code: 'AGENT_ERROR', details: { state: 'a', attempt: 3, stepId: a } });
    expect(error?.message).toMatch(/State "a" failed on attempt 3 of 3: it broke\. .*retry\.maxAttempts/);
  });

  test('is not repeated when trying again cannot help', () => {
    given(retried, start())
      .when(failed(a, 'PROVIDER_AUTH'))
      .thenTypes('step.failed', 'step.exhausted', 'run.failed');
  });

  test.each([
    [{ retryOn: ['PROVIDER_AUTH'] }, 'PROVIDER_AUTH', true],
    [{ retryOn: ['TOOL_ERROR'] }, 'AGENT_ERROR', false],
    [{ abortOn: ['AGENT_ERROR'] }, 'AGENT_ERROR', false],
    [{ retryOn: ['AGENT_ERROR'], abortOn: ['AGENT_ERROR'] }, 'AGENT_ERROR', false],
  ] as const)('follows %j for %s', (policy, code, isRetried) => {
    const told = plan(states(operation('a', null, { retry: attempts(2, policy) })));
    const { events } = (() => {
      const player = new Player(told).play(start());
      const decision = player.send(failed(a, code));
      return decision.kind === 'accepted' ? decision : { events: [] };
    })();
    expect(events.some(({ type }) => type === 'step.retry_scheduled')).toBe(isRetried);
  });

  test('by timeout takes the task back and is retried', () => {
    const { effects } = given(retried, start())
      .when(fired({ kind: 'step_timeout', stepId: a, attempt: 1 }))
      .thenEvents(
        { type: 'step.failed', error: { code: 'STEP_TIMEOUT' } as never },
        { type: 'step.retry_scheduled', attempt: 2 },
      );
    expect(effects).toContainEqual({ type: 'withdraw_step', stepId: a, attempt: 1, target: 'worker' });
  });
});

describe('the fence', () => {
  const retried = plan(states(operation('a', 'b', { retry: attempts(2) }), operation('b', null)));

  test('refuses the result of an attempt that is over, and of a step that is over', () => {
    given(retried, start(), failed(a)).when(succeeded(a)).thenRefused('STALE_ATTEMPT');
    given(retried, start(), failed(a), fired({ kind: 'retry_due', stepId: a, attempt: 2 }))
      .when(succeeded(a))
      .thenRefused('STALE_ATTEMPT');
    given(retried, start(), succeeded(a)).when(succeeded(a)).thenRefused('STALE_ATTEMPT');
    given(retried, start(), succeeded(a)).when(failed(a)).thenRefused('STALE_ATTEMPT');
  });

  test('refuses the result of a step that is not there, and of a run that has ended', () => {
    given(retried, start()).when(succeeded('0000000000000000')).thenRefused('STEP_NOT_FOUND');
    given(retried, start(), succeeded(a), succeeded(b)).when(succeeded(b)).thenRefused('RUN_NOT_ACTIVE');
  });

  test('lets a timer that nothing waits for pass without effect', () => {
    given(retried, start(), succeeded(a))
      .when(fired({ kind: 'step_timeout', stepId: a, attempt: 1 }))
      .thenRefused('TIMER_NOT_WANTED');
    given(retried, start(), failed(a), fired({ kind: 'retry_due', stepId: a, attempt: 2 }))
      .when(fired({ kind: 'retry_due', stepId: a, attempt: 2 }))
      .thenRefused('TIMER_NOT_WANTED');
  });
});

describe('after the last attempt', () => {
  test('the first catch clause that matches takes the error and writes it', () => {
    const caught = operation('a', null, {
      catch: [
        { errors: ['TOOL_ERROR'], next: 'c' },
        { errors: ['*'], next: 'b', resultPath: path('failure') },
      ],
    });
    const withCatch = plan(states(caught, operation('b', null), operation('c', null)));
    const { state } = given(withCatch, start())
      .when(failed(a))
      .thenEvents(
        { type: 'step.failed' },
        { type: 'step.exhausted', attempt: 1 },
        { type: 'state.caught', next: 'b', error: { code: 'AGENT_ERROR' } as never },
        { type: 'step.scheduled', state: 'b' },
      );
    expect(stepView(state, a)?.status).toBe('FAILED');
    given(withCatch, start(), failed(a))
      .when(succeeded(b, 1))
      .thenEvents(
        { type: 'step.succeeded' },
        { type: 'run.completed', output: { failure: { code: 'AGENT_ERROR' }, steps: { b: 1 } } as never },
      );
  });

  test('an error that cannot be kept where the catch says fails the scope', () => {
    const caught = operation('a', null, { catch: [{ errors: ['*'], next: 'a', resultPath: path('n.x') }] });
    const { state } = given(plan(states(caught)), start({ n: 1 }))
      .when(failed(a))
      .thenTypes('step.failed', 'step.exhausted', 'run.failed');
    expect(runView(state)?.error?.message).toContain('it was AGENT_ERROR: it broke');
  });

  test('an optional step is skipped and writes nothing', () => {
    const optional = plan(states(operation('a', 'b', { optional: true }), operation('b', null)));
    const player = given(optional, start())
      .when(failed(a))
      .thenEvents(
        { type: 'step.failed' },
        { type: 'step.exhausted' },
        { type: 'step.skipped', next: 'b' },
        { type: 'step.scheduled', state: 'b' },
      );
    player.play(succeeded(b, 1));
    expect(runView(player.state)?.output).toEqual({ steps: { b: 1 } });
  });
});

describe("a workflow's outputSchema", () => {
  const checked = plan(states(operation('work', null)), {
    outputSchema: { type: 'object', required: ['answer'] },
  });
  const work = stepId('work');

  test('makes a warning of an output that misses it, and the run completes', () => {
    given(checked, start())
      .when(succeeded(work))
      .thenEvents(
        { type: 'step.succeeded' },
        {
          type: 'run.completed',
          warnings: [{ code: 'SCHEMA_VALIDATION_OUTPUT', message: 'it must have answer' }],
        },
      );
  });

  test('says nothing of an output that fits', () => {
    const player = given(checked, start({ answer: 42 }))
      .when(succeeded(work))
      .thenTypes('step.succeeded', 'run.completed');
    expect(player.history.at(-1)?.event).not.toHaveProperty('warnings');
  });
});
