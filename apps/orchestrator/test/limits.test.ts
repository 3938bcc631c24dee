import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { step, TestWorld, workflow } from './support/test-world.js';

let world: TestWorld;

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
});
afterEach(() => world.close());

const eventOf = (runId: string, type: string): object | undefined =>
  world.eventsOf(runId).find(({ data }) => data.type === type)?.data;

const text = (bytes: number): string => 'x'.repeat(bytes);

describe('what is too large for a message', () => {
  const echo =
    '  - { name: echo, type: operation, action: agent.run, input: { agent: worker, task: "{{ text * 3 }}" }, end: true }';

  test('as a rendered input fails the step with size, limit and state', async () => {
    await world.putWorkflow(workflow('echo', [echo]));
    await world.deliver(world.start('run-1', 'echo', { text: text(200_000) }));
    expect(world.bus.tasks).toEqual([]);
    expect(eventOf('run-1', 'step.failed')).toMatchObject({
      error: {
        code: 'PAYLOAD_TOO_LARGE',
        message: expect.stringMatching(/"echo" has 6000\d\d bytes.*524288/),
      },
    });
    expect(world.row('run-1').status).toBe('FAILED');
  });

  test('as an event is not recorded with it, though the input is beyond any message', async () => {
    await world.putWorkflow(workflow('echo', [echo]));
    await world.deliver(world.start('run-1', 'echo', { text: text(500_000) }));
    expect(world.row('run-1').status).toBe('FAILED');
    expect(eventOf('run-1', 'step.scheduled')).toMatchObject({ input: null });
  });

  test('as a task, with the agent in it, fails the step', async () => {
    await world.putWorkflow(workflow('one', [step('only')]));
    world.maxMessageBytes = 1_200;
    await world.putAgent(
      'worker',
      `---\nmodel: scripted/test\nanswers:\n  - output: { ok: true }\n---\n${text(2_000)}\n`,
    );
    await world.deliver(world.start('run-1', 'one'));
    expect(eventOf('run-1', 'step.failed')).toMatchObject({ error: { code: 'PAYLOAD_TOO_LARGE' } });
    expect(world.row('run-1').status).toBe('FAILED');
  });

  test('as a result fails the step instead of stopping the relay', async () => {
    await world.putWorkflow(workflow('one', [step('only')]));
    await world.deliver(world.start('run-1', 'one'));
    world.maxMessageBytes = 20_000;
    await world.deliver(world.succeeded(world.takeStep(), { text: text(30_000) }));
    expect(eventOf('run-1', 'step.failed')).toMatchObject({ error: { code: 'PAYLOAD_TOO_LARGE' } });
    expect(world.typesOf('run-1')).not.toContain('step.succeeded');
  });

  test('as the output of the whole run fails its last step', async () => {
    await world.putWorkflow(workflow('two', [step('first', 'next: second'), step('second')]));
    await world.deliver(world.start('run-1', 'two'));
    world.maxMessageBytes = 20_000;
    await world.deliver(world.succeeded(world.takeStep(), { text: text(12_000) }));
    await world.deliver(world.succeeded(world.takeStep(), { text: text(12_000) }));
    expect(world.row('run-1').status).toBe('FAILED');
  });

  test('as an input of a start is refused', async () => {
    await world.putWorkflow(workflow('one', [step('only')]));
    await world.deliver(world.start('run-1', 'one', { text: text(600_000) }));
    expect(world.bus.events.at(-1)).toMatchObject({ sequence: 0, data: { code: 'PAYLOAD_TOO_LARGE' } });
    expect(world.count('workflow_runs')).toBe(0);
  });
});

describe('a long run', () => {
  test('leaves snapshots at doubling distances and goes on from the last, or from none that it can read', async () => {
    const items =
      '  - { name: all, type: foreach, itemsPath: list, maxConcurrency: 50, iterator: { states: [{ name: do, type: operation, action: agent.run, input: { agent: worker, task: "{{ item }}" }, resultPath: result, end: true }] }, end: true }';
    await world.putWorkflow(workflow('wide', [items]));
    const list = Array.from({ length: 400 }, (_, index) => `item ${index}`);
    await world.deliver(world.start('run-1', 'wide', { list }));
    for (let count = 0; count < 300; count += 1) await world.deliver(world.succeeded(world.takeStep()));
    const before = world.row('run-1').seq;
    const snapshot = world.sql.prepare('SELECT seq FROM run_snapshots').pluck().get() as number;
    expect(snapshot).toBeGreaterThanOrEqual(512);
    expect(snapshot).toBeLessThanOrEqual(before);
    world.crash();
    await world.open();
    await world.deliver(world.succeeded(world.takeStep()));
    world.sql.prepare(`UPDATE run_snapshots SET state = '{"format":0}'`).run();
    world.crash();
    await world.open();
    await world.workAll();
    expect(world.row('run-1').status).toBe('COMPLETED');
    const { seq } = world.row('run-1');
    expect(world.eventsOf('run-1').map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: seq }, (_, index) => index + 1),
    );
  });
});
