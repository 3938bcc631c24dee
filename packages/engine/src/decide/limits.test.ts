/** A run has an end, whatever its author wrote. */
import { describe, expect, test } from 'vitest';
import {
  childWorkflow,
  choose,
  expression,
  foreach,
  inject,
  literal,
  operation,
  plan,
  signal,
  states,
  wait,
} from '../../test/support/plans.js';
import {
  cancel,
  fired,
  Player,
  pause,
  signalled,
  start,
  stepId,
  succeeded,
} from '../../test/support/scenario.js';
import { type Command, type Plan, runView, timers } from '../index.js';

const forEver = (extra: Partial<Plan> = {}): Plan =>
  plan(
    states(inject('round', 'again', expression('1'), ['result']), choose('again', [['true', 'round']])),
    extra,
  );

/** Takes the run up again until it does not yield any more. */
const spin = (player: Player): Player => {
  while (timers(player.state).some(({ purpose }) => purpose.kind === 'yield_over'))
    player.play(fired({ kind: 'yield_over' }));
  return player;
};

describe('a loop without anything from outside', () => {
  test('ends after 1,000 visits to one state, and says which state, which limit and what to do', () => {
    const player = spin(new Player(forEver()).play(start()));
    const view = runView(player.state);
    expect(view).toMatchObject({ status: 'FAILED', error: { code: 'LIMIT_EXCEEDED' } });
    expect(view?.error?.message).toMatch(/"round".*1000 times.*maxStateVisits.*1000/);
    expect(view?.error?.details).toMatchObject({
      limit: 'maxStateVisits',
      maxStateVisits: 1_000,
      state: 'round',
    });
    expect(player.state.seq).toBeLessThan(2_200);
  });

  test('ends earlier where the workflow says so, and no later than the operator allows', () => {
    const visits = (workflow: Plan) => {
      const player = spin(new Player(workflow).play(start()));
      return player.history.filter(
        ({ event }) => 'state' in event && event.state === 'round' && event.type === 'state.completed',
      ).length;
    };
    expect(visits(forEver({ maxStateVisits: 10 }))).toBe(10);
    expect(visits(forEver({ maxStateVisits: 5_000 }))).toBe(1_000);
  });

  test('yields, so that others have their turn', () => {
    const player = new Player(forEver()).play(start());
    expect(player.history.at(-1)?.event.type).toBe('run.yielded');
    expect(player.history.length).toBeLessThan(250);
  });

  test('is judged by the limits that the run started with', () => {
    const player = new Player(forEver({ maxStateVisits: 400 })).play(start());
    expect(player.history[0]?.event).toMatchObject({ limits: { maxEvents: 100_000, maxStateVisits: 400 } });
    player.runLimits = { maxEvents: 1, maxStateVisits: 2, maxFamilyRuns: 1 };
    spin(player);
    expect(runView(player.state)?.error?.message).toContain('400 times');
  });
});

test('a loop that does work goes on: each result from outside begins the count anew', () => {
  const workflow = plan(
    states(operation('work', 'again', { resultPath: ['result'] }), choose('again', [['true', 'work']])),
    { maxStateVisits: 3 },
  );
  const player = new Player(workflow).play(start());
  for (let visit = 1; visit <= 20; visit++) player.play(succeeded(stepId('work', '', visit)));
  expect(player.status).toBe('RUNNING');
});

test('a loop that hears signals or waits goes on; one whose wait has no length does not', () => {
  const loop = (state: Parameters<typeof states>[0]) =>
    plan(states(state, choose('again', [['true', state.name]])), { maxStateVisits: 5 });
  const hearing = new Player(loop(signal('hear', 'again'))).play(start());
  for (let count = 0; count < 20; count++) hearing.play(signalled('go', `s${count}`));
  expect(hearing.status).toBe('WAITING_SIGNAL');
  const wake = (player: Player): void => {
    for (let count = 0; count < 20 && player.status === 'RUNNING'; count++) {
      const due = timers(player.state)[0];
      if (due !== undefined) player.play(fired(due.purpose));
    }
  };
  const waiting = new Player(loop(wait('pause', 'again', { delayMs: 1_000 }))).play(start());
  wake(waiting);
  expect(waiting.status).toBe('RUNNING');
  const busy = new Player(loop(wait('pause', 'again', { delayMs: 0 }))).play(start());
  wake(busy);
  expect(runView(busy.state)?.error).toMatchObject({ code: 'LIMIT_EXCEEDED' });
});

describe('a run that has all the events it may have', () => {
  const long = plan(
    states(operation('work', 'again', { resultPath: ['result'] }), choose('again', [['true', 'work']])),
    { maxEvents: 100 },
  );
  const worn = () => {
    const player = new Player(long).play(start());
    for (let visit = 1; player.status === 'RUNNING'; visit++)
      player.play(succeeded(stepId('work', '', visit)));
    return player;
  };

  test('fails, and its end is recorded beyond the limit', () => {
    const view = runView(worn().state);
    expect(view).toMatchObject({
      status: 'FAILED',
      error: { code: 'LIMIT_EXCEEDED', details: { limit: 'maxEvents' } },
    });
    expect(view?.error?.message).toMatch(/\(maxEvents\) is 100/);
    expect(view?.seq).toBeGreaterThan(100);
    expect(view?.seq).toBeLessThan(110);
  });

  test('can be cancelled just before', () => {
    const player = new Player(long).play(start());
    for (let visit = 1; player.state.seq < 97; visit++) player.play(succeeded(stepId('work', '', visit)));
    player.play(cancel);
    expect(player.status).toBe('CANCELLED');
  });
});

describe('a family of runs', () => {
  const detached = { waits: false, resultPath: ['child'] };
  const fork = (count: number, extra: Partial<Plan> = {}, child: Parameters<typeof childWorkflow>[2] = {}) =>
    plan(
      states(
        inject('list', 'each', literal(Array.from({ length: count }, (_, index) => index)), ['items']),
        foreach('each', null, ['items'], states(childWorkflow('call', null, { ...detached, ...child })), {
          maxConcurrency: 10,
        }),
      ),
      extra,
    );
  const started = ({ effects }: Player) => effects.filter(({ type }) => type === 'start_child');
  const below = (rootRunId: string, maxFamilyRuns: number): Command =>
    ({ ...start(), root: { runId: rootRunId, depth: 3 }, maxFamilyRuns }) as Command;

  test('has no more runs than its limit, and says how many it has, which limit and of which root run', () => {
    const player = spin(new Player(fork(200, { maxFamilyRuns: 100 })).play(start()));
    expect(started(player)).toHaveLength(99);
    const error = runView(player.state)?.error;
    expect(error).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 'maxFamilyRuns', maxFamilyRuns: 100, rootRunId: 'run-1' },
    });
    expect(error?.message).toMatch(/root run run-1 has 100 runs.*\(maxFamilyRuns\) is 100/);
  });

  test('is counted with what other runs of it have ordered, and judged by the limit of its root run', () => {
    const player = new Player(fork(10, { maxFamilyRuns: 2 }));
    player.childRunCount = (root) => (root === 'root-run' ? 45 : 0);
    spin(player.play(below('root-run', 50)));
    expect(started(player)).toHaveLength(4);
    expect(started(player)[0]).toMatchObject({ root: { runId: 'root-run', depth: 4 }, maxFamilyRuns: 50 });
    expect(player.status).toBe('FAILED');
  });

  test('a state that would start one run too many fails like any other: it may be caught', () => {
    const caught = { catch: [{ errors: ['LIMIT_EXCEEDED'], next: 'instead' }] } as const;
    const workflow = plan(
      states(childWorkflow('call', null, { ...detached, ...caught }), operation('instead', null)),
      { maxFamilyRuns: 1 },
    );
    const player = new Player(workflow).play(start());
    expect(started(player)).toEqual([]);
    expect(player.status).toBe('RUNNING');
  });

  test('has no more than the operator allows', () => {
    const player = new Player(fork(30, { maxFamilyRuns: 1_000 }));
    player.runLimits = { ...player.runLimits, maxFamilyRuns: 20 };
    spin(player.play(start()));
    expect(started(player)).toHaveLength(19);
  });
});

describe('what comes from outside', () => {
  const hearing = plan(states(operation('work', 'hear'), signal('hear', null)));

  test('does not fill a run that is paused beyond its limit of events', () => {
    const player = new Player({ ...hearing, maxEvents: 20 }).play(start()).play(pause);
    for (let count = 0; player.state.seq < 20; count++) player.play(signalled('go', `s${count}`, {}));
    expect(player.send(signalled('go', 'one-more', {}))).toMatchObject({ code: 'SIGNAL_LIMIT' });
    expect(runView(player.state)?.status).toBe('PAUSED');
  });

  test('is kept up to 1,000 signals that no state has taken', () => {
    const player = new Player(hearing).play(start()).play(pause);
    for (let count = 0; count < 1_000; count++) player.play(signalled('go', `s${count}`, {}));
    expect(player.send(signalled('go', 'one-more', {}))).toMatchObject({ code: 'SIGNAL_LIMIT' });
  });
});
