/** What a decision may not spend is evaluated by a worker: a step of its own, and its answers are used when it is over. */
import { describe, expect, test } from 'vitest';
import { evaluated } from '../../test/support/evaluator.js';
import {
  choose,
  expression,
  foreach,
  inject,
  object,
  operation,
  plan,
  states,
  transform,
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
  start,
  stepId,
  succeeded,
} from '../../test/support/scenario.js';
import { evaluationTask, type Json, pendingDispatches, runView, type Template } from '../index.js';

const heavyInput = plan(
  states(
    operation('work', null, { input: object({ agent: expression('"helper"'), v: expression('heavy(n)') }) }),
  ),
);

/** The evaluation that a run waits for. */
const pendingOf = (player: Player) => {
  const [dispatch] = pendingDispatches(player.state);
  if (dispatch?.type !== 'dispatch_step') throw new Error('nothing is dispatched');
  return dispatch;
};

const answer = (player: Player): Player => {
  const { stepId, attempt, input } = pendingOf(player);
  const task = evaluationTask(input);
  if (task === undefined) throw new Error('this is no evaluation');
  return player.play(succeeded(stepId, evaluated(task), attempt));
};

describe('a state whose expressions are more than a decision may spend', () => {
  test('asks a worker, with the values that they read and nothing else', () => {
    const player = given(heavyInput)
      .when(start({ n: 2, secret: 'not read' }))
      .thenEvents(
        { type: 'run.started' },
        {
          type: 'step.scheduled',
          action: 'expression.evaluate',
          target: 'evaluator',
          state: 'work',
          input: {
            questions: [
              { kind: 'expression', source: '"helper"' },
              { kind: 'expression', source: 'heavy(n)' },
            ],
            untilTrue: false,
            values: { n: 2 },
          },
        },
      );
    expect(player.status).toBe('RUNNING');
  });

  test('is entered with the answers, and nothing is evaluated then', () => {
    const player = answer(new Player(heavyInput).play(start({ n: 2 })));
    expect(pendingOf(player)).toMatchObject({
      action: 'agent.run',
      input: { agent: 'helper', v: 2 },
      attempt: 1,
    });
    expect(pendingOf(player).stepId).toBe(stepId('work'));
  });

  test('fails with the code of its expression, where that fails', () => {
    const of = (template: Template) => plan(states(inject('made', null, template, ['result'])));
    const failing = answer(new Player(of(expression('heavy(missing)'))).play(start()));
    expect(runView(failing.state)?.error).toMatchObject({ code: 'TEMPLATE_ERROR' });
    const limited = answer(new Player(of(expression('heavy(limit())'))).play(start()));
    expect(runView(limited.state)?.error).toMatchObject({ code: 'EXPRESSION_LIMIT' });
  });

  test.each([
    [
      'switch',
      plan(
        states(
          choose('s', [
            ['heavy(n)', 'a'],
            ['true', 'b'],
          ]),
          inject('a', null, expression('1'), ['result']),
          inject('b', null, expression('2'), ['result']),
        ),
      ),
      { n: true },
      { result: 1 },
    ],
    ['transform', plan(states(transform('t', null, 'heavy(n)', ['result']))), { n: 7 }, { result: 7 }],
    [
      'output of the run',
      plan({ ...states(inject('a', null, expression('n'), ['result'])), output: expression('heavy(n)') }),
      { n: 3 },
      3,
    ],
  ] as const)('may be a %s', (_, workflow, input, output) => {
    const player = answer(new Player(workflow).play(start(input as Json)));
    const result = runView(player.state)?.output;
    if (typeof output === 'object') expect(result).toMatchObject(output);
    else expect(result).toEqual(output);
  });

  test('may be a wait', () => {
    const workflow = plan(states(wait('until', null, { instant: expression('heavy(at)') })));
    const player = answer(new Player(workflow).play(start({ at: '2031-01-01T00:00:00Z' })));
    expect(player.history.at(-1)?.event).toMatchObject({
      type: 'state.entered',
      dueAt: Date.UTC(2031, 0, 1),
    });
  });

  test('may be the output of an item, whose siblings are not held up', () => {
    const item = {
      ...states(inject('a', null, expression('v'), ['result'])),
      output: expression('heavy(v)'),
    };
    const workflow = plan(
      states(
        foreach('each', null, ['items'], item, { itemName: 'v', maxConcurrency: 2, resultPath: ['all'] }),
      ),
    );
    const player = new Player(workflow).play(start({ items: [5, 6, 7] }));
    expect(pendingDispatches(player.state)).toHaveLength(2);
    while (player.status === 'RUNNING') answer(player);
    expect(runView(player.state)?.output).toMatchObject({ all: [5, 6, 7] });
  });

  test('may read, and give, as much as any value may have: nothing but the values counts', () => {
    const whole = { x: 'y'.repeat(524_288 - '{"x":""}'.length) };
    const asking = (source: string) =>
      new Player(plan({ ...states(inject('a', null, expression(source), ['r'])), output: expression('1') }));
    for (const source of ['heavy(x)', 'heavy(input)'])
      expect(answer(asking(source).play(start(whole))).status).toBe('COMPLETED');
  });

  test('fails with PAYLOAD_TOO_LARGE where a task could not carry what it reads', () => {
    const part = (name: string, next: string) =>
      inject(name, next, { kind: 'literal', value: 'x'.repeat(300_000) }, [name]);
    const workflow = plan(
      states(part('a', 'b'), part('b', 't'), transform('t', null, 'heavy(ctx)', ['result'])),
    );
    const error = runView(new Player(workflow).play(start()).state)?.error;
    expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { state: 't', limitBytes: 524_288 } });
    expect(error?.message).toContain('what the expressions of state "t" read');
  });
});

describe('an evaluation is a step like any other', () => {
  const asked = () => new Player(heavyInput).play(start({ n: 2 }));

  test('lost workers are replaced, and in the end the state fails', () => {
    const player = asked();
    const { stepId: id } = pendingOf(player);
    for (const attempt of [1, 2]) {
      player.play(
        failed(id, 'WORKER_LOST', attempt),
        fired({ kind: 'retry_due', stepId: id, attempt: attempt + 1 }),
      );
    }
    player.play(failed(id, 'WORKER_LOST', 3));
    expect(player.history.slice(-3).map(({ event }) => event.type)).toEqual([
      'step.exhausted',
      'state.failed',
      'run.failed',
    ]);
    expect(runView(player.state)?.error?.details).toMatchObject({ stepId: stepId('work') });
  });

  test('a report without the answers is a failed attempt', () => {
    const player = asked();
    player.play(succeeded(pendingOf(player).stepId, { answers: [] }));
    expect(runView(player.state)?.error).toMatchObject({ code: 'INTERNAL' });
  });

  test('is withdrawn when the run is cancelled, and a late answer is refused', () => {
    const player = asked();
    const { stepId: id } = pendingOf(player);
    player.play(cancel);
    expect(player.effects).toContainEqual(expect.objectContaining({ type: 'withdraw_step', stepId: id }));
    expect(player.send(succeeded(id))).toMatchObject({ kind: 'refused', code: 'RUN_NOT_ACTIVE' });
  });

  test('is answered in a paused run, which enters the state when it goes on', () => {
    const player = answer(asked().play(pause));
    expect(pendingDispatches(player.state)).toEqual([]);
    player.play(resume);
    expect(pendingOf(player)).toMatchObject({ action: 'agent.run', input: { v: 2 } });
  });
});

test('what does not fit into the rest of a decision waits for the next one', () => {
  const workflow = plan(
    states(inject('a', 'b', expression('n'), ['result']), inject('b', null, expression('n'), ['result'])),
  );
  const player = new Player(workflow);
  player.newFits = () => {
    let count = 0;
    return () => (count++ === 0 ? true : 'later');
  };
  player.play(start({ n: 1 }));
  expect(player.history.map(({ event }) => event.type)).toEqual([
    'run.started',
    'state.completed',
    'run.yielded',
  ]);
  player.play(fired({ kind: 'yield_over' }));
  expect(player.status).toBe('COMPLETED');
});
