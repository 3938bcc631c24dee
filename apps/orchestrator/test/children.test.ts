import type { RunCommand } from '@signalbox/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { step, TestWorld } from './support/test-world.js';

let world: TestWorld;

/** The definition language refuses child workflows for now; the engine runs them, so their plan is stored as it is. */
const storePlan = (id: string, child: string, waits = true): void => {
  const state = {
    type: 'workflow',
    name: 'call',
    workflow: child,
    input: { kind: 'literal', value: { n: 1 } },
    waits,
    resultPath: ['steps', 'call'],
    next: null,
    catch: [],
  };
  const plan = {
    id,
    version: '1',
    name: id,
    onFailure: 'fail',
    agents: [],
    root: { start: 'call', states: { call: state } },
  };
  world.sql
    .prepare(
      `INSERT INTO workflow_definitions (workspace, id, version, digest, name, label, plan, created_at, created_by)
       VALUES ('default', ?, 1, 'd', ?, '1', ?, 0, 'user:alice')`,
    )
    .run(id, id, JSON.stringify(plan));
};

/** Each run orders ten more and waits for none of them. */
const bomb = (maxFamilyRuns: number): string =>
  `id: bomb
start: list
maxFamilyRuns: ${maxFamilyRuns}
states:
  - { name: list, type: inject, data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], resultPath: items, next: each }
  - name: each
    type: foreach
    itemsPath: items
    maxConcurrency: 10
    iterator: { states: [ { name: call, type: workflow, workflow: bomb, wait: false, input: {}, end: true } ] }
    end: true
`;

/** Hands the orchestrator the messages that it sent to itself. */
const loopBack = async (): Promise<void> => {
  for (let own = world.takeOwn(); own.length > 0; own = world.takeOwn()) await world.deliver(...own);
};

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
  await world.putWorkflow(`id: leaf\nversion: "1"\nname: leaf\nstates:\n${step('only')}\n`);
  storePlan('parent', 'leaf');
  storePlan('orphan', 'nothing');
});
afterEach(() => world.close());

describe('a child run', () => {
  test('is started by its parent, in the name of who started that, and hands its output back', async () => {
    await world.deliver(world.start('run-1', 'parent'));
    const start = JSON.parse(world.bus.tasks[0]?.text ?? '') as RunCommand;
    expect(start).toMatchObject({ type: 'start', actor: 'user:alice', parent: { runId: 'run-1' } });
    await loopBack();
    await world.workAll({ answer: 42 });
    await loopBack();
    expect(world.row(start.runId).status).toBe('COMPLETED');
    expect(world.row('run-1').status).toBe('COMPLETED');
  });

  test('that cannot be started fails its parent instead of leaving it waiting', async () => {
    await world.deliver(world.start('run-1', 'orphan'));
    await loopBack();
    expect(world.row('run-1').status).toBe('FAILED');
  });

  test('is cancelled with its parent', async () => {
    await world.deliver(world.start('run-1', 'parent'));
    const { runId } = JSON.parse(world.bus.tasks[0]?.text ?? '') as RunCommand;
    await loopBack();
    await world.deliver(world.command<'cancel'>({ type: 'cancel', runId: 'run-1' }));
    await loopBack();
    expect(world.row(runId).status).toBe('CANCELLED');
    expect(world.bus.tasks).toEqual([]);
  });
});

describe('a workflow that runs itself', () => {
  const lightFuse = async (maxFamilyRuns: number): Promise<void> => {
    // It has to be there before it can name itself.
    await world.putWorkflow(
      'id: bomb\nstart: a\nstates:\n  - { name: a, type: inject, data: 1, end: true }\n',
    );
    await world.putWorkflow(bomb(maxFamilyRuns));
    await world.deliver(world.start('run-1', 'bomb'));
  };
  const rows = (sql: string): unknown[] => world.sql.prepare(sql).all();
  const runsOfBomb = (): number =>
    (rows("SELECT count(*) AS count FROM workflow_runs WHERE workflow_id = 'bomb'")[0] as { count: number })
      .count;

  test('ends with the limit of its family, to the run, however often the orchestrator dies meanwhile', async () => {
    await lightFuse(200);
    for (let count = 0; world.bus.tasks.length > 0; count += 1) {
      const own = world.bus.take('wf.task.run.');
      await world.deliver(world.sent(own));
      if (count % 10 !== 0) continue;
      world.crash();
      await world.open();
    }
    expect(runsOfBomb()).toBe(200);
    expect(rows('SELECT * FROM run_families')).toEqual([
      { root_run_key: 'default/run-1', child_run_count: 199 },
    ]);
    const statuses = rows("SELECT DISTINCT status FROM workflow_runs WHERE workflow_id = 'bomb'");
    expect(statuses).toEqual(expect.arrayContaining([{ status: 'COMPLETED' }, { status: 'FAILED' }]));
    const refused = rows(
      "SELECT DISTINCT error ->> 'code' AS code FROM workflow_runs WHERE status = 'FAILED'",
    );
    expect(refused).toEqual([{ code: 'LIMIT_EXCEEDED' }]);
  });

  test('counts a child whose start is refused, and one that was sent twice once', async () => {
    storePlan('caller', 'nothing', false);
    await world.deliver(world.start('run-1', 'caller'));
    const start = world.bus.take('wf.task.run.');
    for (let count = 0; count < 2; count += 1) await world.deliver(world.sent(start));
    expect(rows('SELECT child_run_count FROM run_families')).toEqual([{ child_run_count: 1 }]);
  });

  test('shares the time of one run with all runs below it: another’s start is decided before theirs', async () => {
    await lightFuse(10_000);
    const starts = world.bus.tasks.filter(({ subject }) => subject.startsWith('wf.task.run.'));
    expect(starts).toHaveLength(10);
    world.bus.tasks = [];
    await world.putWorkflow(`id: other\nversion: "1"\nname: other\nstates:\n${step('only')}\n`);
    await world.deliver(...starts.map((start) => world.sent(start)), world.start('run-2', 'other'));
    const order = rows(
      "SELECT run_key FROM workflow_run_events WHERE type = 'run.started' ORDER BY position",
    );
    const place = order.findIndex((row) => (row as { run_key: string }).run_key === 'default/run-2');
    expect(place).toBeLessThan(8);
  });
});

describe('of what parent and child say to one another, after a loss', () => {
  /** What was sent since the last look is left to the next one. */
  const look = async (): Promise<void> => {
    for (let count = 0; count < 2; count += 1) {
      world.clock.advance(1);
      await world.inFlight.look();
    }
  };
  const lose = (): void => {
    world.bus.tasks = [];
  };
  const startParent = async (): Promise<string> => {
    await world.deliver(world.start('run-1', 'parent'));
    return (JSON.parse(world.bus.tasks[0]?.text ?? '') as RunCommand).runId;
  };

  test('the start is sent again as the same command, and counts once although both arrive', async () => {
    const child = await startParent();
    const first = world.bus.take('wf.task.run.');
    await look();
    const again = world.bus.take('wf.task.run.');
    expect(again?.text).toBe(first?.text);
    expect(again?.id).not.toBe(first?.id);
    for (const sent of [first, again]) await world.deliver(world.sent(sent));
    expect(world.typesOf(child)).not.toContain('run.command_refused');
    expect(world.row(child).status).toBe('RUNNING');
  });

  test('the news that it cannot be started is given again', async () => {
    await world.deliver(world.start('run-1', 'orphan'));
    const start = world.bus.take('wf.task.run.');
    await world.deliver(world.sent(start));
    lose();
    world.bus.forgetIds();
    await look();
    await loopBack();
    expect(world.row('run-1').status).toBe('FAILED');
  });

  test('the cancel is sent again while the child runs, and never to a child that is waited for', async () => {
    const child = await startParent();
    await loopBack();
    await look();
    expect(world.bus.tasks.filter(({ subject }) => subject.startsWith('wf.task.run.'))).toEqual([]);
    await world.deliver(world.command<'cancel'>({ type: 'cancel', runId: 'run-1' }));
    lose();
    await look();
    await loopBack();
    expect(world.row(child).status).toBe('CANCELLED');
    await look();
    expect(world.bus.tasks).toEqual([]);
  });

  test('the end is told again', async () => {
    await startParent();
    await loopBack();
    await world.deliver(world.succeeded(world.takeStep()));
    lose();
    await look();
    await loopBack();
    expect(world.row('run-1').status).toBe('COMPLETED');
  });

  test('the start of a child that nobody waits for is sent again when the stream is another one', async () => {
    storePlan('caller', 'leaf', false);
    await world.deliver(world.start('run-1', 'caller'));
    const { runId: child } = JSON.parse(world.bus.tasks[0]?.text ?? '') as RunCommand;
    lose();
    await look();
    expect(world.bus.tasks).toEqual([]);
    world.bus.streamName = 'second';
    await look();
    await loopBack();
    expect(world.row(child).status).toBe('RUNNING');
    world.bus.streamName = 'third';
    await look();
    expect(world.bus.tasks.filter(({ subject }) => subject.startsWith('wf.task.run.'))).toEqual([]);
  });
});
