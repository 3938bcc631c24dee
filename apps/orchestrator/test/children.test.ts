import type { RunCommand } from '@signalbox/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { step, TestWorld } from './support/test-world.js';

let world: TestWorld;

/** The definition language refuses child workflows for now; the engine runs them, so their plan is stored as it is. */
const storePlan = (id: string, child: string): void => {
  const state = {
    type: 'workflow',
    name: 'call',
    workflow: child,
    input: { kind: 'literal', value: { n: 1 } },
    waits: true,
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

/** Hands the orchestrator the messages that it sent to itself. */
const loopBack = async (): Promise<void> => {
  for (;;) {
    const own = world.bus.take('wf.task.run.') ?? world.bus.take('wf.task.resume.');
    if (own === undefined) return;
    await world.deliver(world.message(own.subject, own.text));
  }
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
