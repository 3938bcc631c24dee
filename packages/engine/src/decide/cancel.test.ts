/** What is in flight is taken back in decisions of bounded size, whatever there is of it. */
import { describe, expect, test } from 'vitest';
import { foreach, operation, parallel, path, plan, states } from '../../test/support/plans.js';
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
import { type Plan, pendingDispatches, restore, runView, snapshot, timers } from '../index.js';

const itemCount = 1_000;
const maxEventsPerTurn = 250;
const input = { items: Array.from({ length: itemCount }, (_, index) => index) };
const wideOf = (extra = {}, next: string | null = null): Plan =>
  plan(
    states(
      foreach('all', next, path('items'), states(operation('s', null)), {
        maxConcurrency: itemCount,
        ...extra,
      }),
      operation('after', null),
    ),
  );
const item = (index: number): string => stepId('s', `all/${index}`);

const running = (wide: Plan): Player => {
  const player = new Player(wide).play(start(input));
  player.goOn();
  expect(player.state.kind === 'run' && player.state.counts.moving).toBe(itemCount);
  return player;
};

const typesFrom = (player: Player, from: number): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { event } of player.history.slice(from))
    counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
  return counts;
};

const oneTurn = (player: Player): number => {
  const before = player.history.length;
  player.play(fired({ kind: 'yield_over' }));
  return player.history.length - before;
};

describe('the cancel of a run with a thousand items in flight', () => {
  test('goes over several decisions, and ends what was in flight once', () => {
    const player = running(wideOf());
    const from = player.history.length;
    player.play(cancel);
    expect(player.history.length - from).toBeLessThan(maxEventsPerTurn);
    expect(player.status).toBe('RUNNING');
    expect(timers(player.state)).toMatchObject([{ timerId: 'run/yield' }]);
    for (const count of player.goOn()) expect(count).toBeLessThan(maxEventsPerTurn);
    expect(player.status).toBe('CANCELLED');
    expect(player.history.at(-1)?.event).toMatchObject({ type: 'run.cancelled', reason: 'enough' });
    expect(Object.fromEntries(typesFrom(player, from))).toMatchObject({
      'step.cancelled': itemCount + 1,
      'scope.cancelled': itemCount,
      'run.ending': 1,
      'run.cancelled': 1,
    });
  });

  test('lets nothing else happen meanwhile', () => {
    const player = running(wideOf()).play(cancel);
    const last = item(itemCount - 1);
    expect(pendingDispatches(player.state)).toEqual([]);
    for (const command of [cancel, pause, resume, succeeded(last), failed(last)])
      expect(player.send(command)).toMatchObject({ kind: 'refused', code: 'RUN_NOT_ACTIVE' });
    oneTurn(player);
    const restored = new Player(player.plan);
    restored.state = restore(JSON.parse(JSON.stringify(snapshot(player.state))));
    restored.history.push(...player.history);
    restored.now = player.now;
    player.goOn();
    restored.goOn();
    expect(restored.history).toEqual(player.history);
  });

  test('that is paused, or whose time is up, ends as such', () => {
    const player = running(plan(wideOf().root, { timeoutMs: 1_000 })).play(pause);
    player.play(fired({ kind: 'run_timeout' }));
    player.goOn();
    expect(player.status).toBe('TIMED_OUT');
  });

  test('of few items takes one decision, and says nothing of it', () => {
    given(wideOf(), start({ items: [1] }))
      .when(cancel)
      .thenTypes('step.cancelled', 'scope.cancelled', 'step.cancelled', 'run.cancelled');
  });
});

describe('a join that is decided with a thousand children in flight', () => {
  test('takes them back over several decisions, then fails as its child said', () => {
    const player = running(wideOf());
    const from = player.history.length;
    player.play(failed(item(3)));
    expect(player.history.length - from).toBeLessThan(maxEventsPerTurn);
    expect(typesFrom(player, from).get('scopes.closing')).toBe(1);
    // What still comes in for the others is kept, and nothing follows from it.
    player.play(succeeded(item(998)), failed(item(999)));
    for (const count of player.goOn()) expect(count).toBeLessThan(maxEventsPerTurn);
    expect(player.status).toBe('FAILED');
    expect(runView(player.state)?.error?.message).toContain('item 3 of "all" failed');
    const types = typesFrom(player, from);
    expect(types.get('scope.cancelled')).toBe(itemCount - 2);
    expect(types.get('state.failed')).toBe(1);
    expect(types.has('step.scheduled')).toBe(false);
  });

  test('is taken back in a paused run too, and what follows waits for its resume', () => {
    const player = running(wideOf({ catch: [{ errors: ['*'], next: 'after' }] }));
    player.play(pause, failed(item(0)));
    player.goOn();
    expect(player.status).toBe('PAUSED');
    expect(timers(player.state)).toEqual([]);
    expect(player.history.at(-1)?.event.type).toBe('state.caught');
    player.play(resume);
    expect(player.history.at(-1)?.event).toMatchObject({ type: 'step.scheduled', state: 'after' });
  });

  test('falls to the cancel of the run, or of the branch around it', () => {
    const cancelled = running(wideOf()).play(failed(item(0)), cancel);
    cancelled.goOn();
    expect(cancelled.status).toBe('CANCELLED');
    const branches = { wide: wideOf().root, other: states(operation('x', null)) };
    const inside = new Player(
      plan(states(parallel('p', 'end', branches, { join: 'any' }), operation('end', null))),
    );
    inside.play(start(input));
    inside.goOn();
    inside.play(failed(stepId('s', 'p/wide/all/0')), succeeded(stepId('x', 'p/other')));
    inside.goOn();
    expect(inside.history.at(-1)?.event).toMatchObject({ type: 'step.scheduled', state: 'end' });
    inside.play(succeeded(stepId('end')));
    expect(inside.status).toBe('COMPLETED');
  });
});
