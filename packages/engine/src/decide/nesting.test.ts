import { describe, expect, test } from 'vitest';
import {
  approval,
  choose,
  expression,
  foreach,
  inject,
  literal,
  object,
  operation,
  parallel,
  path,
  plan,
  states,
} from '../../test/support/plans.js';
import { approve, failed, given, Player, start, stepId, succeeded } from '../../test/support/scenario.js';
import { runView } from '../index.js';

const result = path('result');
const one = (name: string) => states(operation(name, null, { resultPath: result }));
const items = path('items');

describe('at any depth', () => {
  const inner = states(
    choose('which', [['item.ask == true', 'ask']], 'fan'),
    approval('ask', 'fan', {}, { resultPath: result }),
    parallel('fan', null, { left: one('work'), right: one('work') }, { resultPath: path('fan') }),
  );
  const nested = plan(
    states(
      inject('make', 'all', literal([{ ask: true }, { ask: false }]), items),
      foreach('all', null, items, inner, { maxConcurrency: 2 }),
    ),
  );

  test('switches, approvals and parallels stand in the items of a foreach', () => {
    const player = new Player(nested).play(start());
    expect(player.status).toBe('RUNNING');
    const work = (index: number, side: string) => stepId('work', `all/${index}/fan/${side}`);
    player.play(succeeded(work(1, 'left'), 1), succeeded(work(1, 'right'), 2));
    expect(player.status).toBe('WAITING_APPROVAL');
    player.play(approve(stepId('ask', 'all/0')));
    player.play(succeeded(work(0, 'left'), 3), succeeded(work(0, 'right'), 4));
    expect(runView(player.state)?.output).toMatchObject({
      steps: {
        all: [
          { result: { approved: true }, fan: { left: { result: 3 }, right: { result: 4 } } },
          { fan: { left: { result: 1 }, right: { result: 2 } } },
        ],
      },
    });
  });

  test('a failure deep inside cancels everything around it, inner scopes first', () => {
    const work = stepId('work', 'all/1/fan/left');
    given(nested, start())
      .when(failed(work))
      .thenEvents(
        { type: 'step.failed', stepId: work },
        { type: 'step.exhausted' },
        { type: 'scope.failed', scope: 'all/1/fan/left' },
        { type: 'step.cancelled', stepId: stepId('work', 'all/1/fan/right') },
        { type: 'scope.cancelled', scope: 'all/1/fan/right' },
        { type: 'state.failed', kind: 'parallel', scope: 'all/1' },
        { type: 'scope.failed', scope: 'all/1' },
        { type: 'step.cancelled', stepId: stepId('ask', 'all/0') },
        { type: 'approval.closed' },
        { type: 'scope.cancelled', scope: 'all/0' },
        { type: 'state.failed', kind: 'foreach', scope: '' },
        { type: 'run.failed', origin: { stepId: work } as never },
      );
  });

  test('the item of an inner foreach hides the one around it', () => {
    const innermost = states(
      operation('check', null, {
        input: object({
          agent: literal('x'),
          item: expression('item'),
          outer: expression('row.name'),
          i: expression('index'),
        }),
      }),
    );
    const rows = plan(
      states(
        foreach('rows', null, path('rows'), states(foreach('cells', null, path('cells'), innermost)), {
          itemName: 'row',
        }),
      ),
    );
    given(rows)
      .when(start({ rows: [{ name: 'r0' }], cells: ['c0'] }))
      .thenEvents(
        { type: 'run.started' },
        { type: 'state.entered', state: 'rows' },
        { type: 'scopes.forked' },
        { type: 'state.entered', state: 'cells', scope: 'rows/0' },
        { type: 'scopes.forked', scope: 'rows/0' },
        {
          type: 'step.scheduled',
          scope: 'rows/0/cells/0',
          input: { agent: 'x', item: 'c0', outer: 'r0', i: 0 },
        },
      );
  });

  test('a join visited again has scopes of its own', () => {
    const loop = plan(
      states(
        parallel('p', 'again', { x: one('s') }),
        choose('again', [['ctx.steps.p.x.result == 1', 'p']], 'end'),
        operation('end', null),
      ),
    );
    given(loop, start())
      .when(succeeded(stepId('s', 'p/x'), 1))
      .thenEvents(
        { type: 'step.succeeded' },
        { type: 'scope.completed' },
        { type: 'state.completed', state: 'p' },
        { type: 'state.completed', state: 'again', matched: 0 },
        { type: 'state.entered', state: 'p', visit: 2 },
        { type: 'scopes.forked' },
        { type: 'step.scheduled', scope: 'p#2/x', stepId: stepId('s', 'p#2/x') },
      );
  });
});
