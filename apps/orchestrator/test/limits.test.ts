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

const limit = 524_288;
const says = (what: string) =>
  expect.objectContaining({
    code: 'PAYLOAD_TOO_LARGE',
    message: expect.stringMatching(new RegExp(`${what}.* \\d+ bytes of JSON, the limit is ${limit}`, 's')),
  });

describe('the failure hits who caused it', () => {
  const input = 'input: { agent: worker, task: "{{ text * 3 }}" }';
  const echo = `  - { name: echo, type: operation, action: agent.run, ${input}, end: true }`;

  test('the first state: the run starts, and fails at that state', async () => {
    await world.putWorkflow(workflow('echo', [echo]));
    await world.deliver(world.start('run-1', 'echo', { text: text(200_000) }));
    await world.deliver(world.evaluated());
    expect(world.bus.tasks).toEqual([]);
    expect(world.typesOf('run-1').slice(-2)).toEqual(['state.failed', 'run.failed']);
    expect(eventOf('run-1', 'state.failed')).toMatchObject({ state: 'echo', error: says('"echo"') });
  });

  test('a transform, and not the step before it', async () => {
    const large = '  - { name: large, type: transform, expression: "steps.first.text * 3", end: true }';
    await world.putWorkflow(workflow('two', [step('first', 'next: large'), large]));
    await world.deliver(world.start('run-1', 'two'));
    await world.deliver(world.succeeded(world.takeStep(), { text: text(400_000) }));
    await world.deliver(world.evaluated());
    expect(world.typesOf('run-1').slice(-2)).toEqual(['state.failed', 'run.failed']);
    expect(world.typesOf('run-1').filter((type) => type === 'step.succeeded')).toHaveLength(1);
    expect(eventOf('run-1', 'state.failed')).toMatchObject({ state: 'large', error: says('"large"') });
  });

  test('the run, where it is its output: its steps have succeeded', async () => {
    await world.putWorkflow(workflow('two', [step('first', 'next: second'), step('second')]));
    await world.deliver(world.start('run-1', 'two'));
    await world.deliver(world.succeeded(world.takeStep(), { text: text(400_000) }));
    await world.deliver(world.succeeded(world.takeStep(), { text: text(400_000) }));
    expect(world.typesOf('run-1').slice(-2)).toEqual(['step.succeeded', 'run.failed']);
    expect(eventOf('run-1', 'run.failed')).toMatchObject({ error: says('The output of the run') });
  });

  test('who starts a run: the input is refused', async () => {
    await world.putWorkflow(workflow('one', [step('only')]));
    await world.deliver(world.start('run-1', 'one', { text: text(600_000) }));
    expect(world.bus.events.at(-1)).toMatchObject({ sequence: 0, data: says('the input') });
    expect(world.count('workflow_runs')).toBe(0);
  });
});

describe('a message that no rule has foreseen', () => {
  test('costs its run, none beside it in the batch, and nothing after a restart', async () => {
    const other = step('only').replace('agent: worker', 'agent: small');
    await world.putAgent('small');
    await world.putWorkflow(workflow('large', [step('only')]));
    await world.putWorkflow(workflow('small', [other]));
    await world.putAgent(
      'worker',
      `---\nmodel: scripted/test\nanswers:\n  - output: { ok: true }\n---\n${text(20_000)}\n`,
    );
    world.maxPayloadBytes = 20_000;
    await world.deliver(world.start('run-1', 'large'), world.start('run-2', 'small'));
    expect(eventOf('run-1', 'run.failed')).toMatchObject({
      error: {
        code: 'PAYLOAD_TOO_LARGE',
        message: expect.stringMatching(/The task of state "only" has 2\d+ bytes, more than the server takes/),
      },
    });
    world.crash();
    await world.open();
    expect(world.row('run-1').status).toBe('FAILED');
    await world.workAll();
    expect(world.row('run-2').status).toBe('COMPLETED');
    expect(world.failures).toEqual([]);
  });
});

describe('a long run', () => {
  test('leaves snapshots at doubling distances and goes on from the last, or from none that it can read', async () => {
    const items =
      '  - { name: all, type: foreach, itemsPath: list, maxConcurrency: 50, iterator: { states: [{ name: do, type: operation, action: agent.run, input: { agent: worker, task: "{{ item }}" }, resultPath: result, end: true }] }, end: true }';
    await world.putWorkflow(workflow('wide', [items]));
    const list = Array.from({ length: 400 }, (_, index) => `item ${index}`);
    await world.deliver(world.start('run-1', 'wide', { list }));
    // Many to a batch: a commit each would make it a test of the disk.
    const work = (count: number) =>
      world.deliver(...Array.from({ length: count }, () => world.succeeded(world.takeStep())));
    for (let batch = 0; batch < 15; batch += 1) await work(20);
    const before = world.row('run-1').seq;
    const snapshot = world.sql.prepare('SELECT seq FROM run_snapshots').pluck().get() as number;
    expect(snapshot).toBeGreaterThanOrEqual(512);
    expect(snapshot).toBeLessThanOrEqual(before);
    world.crash();
    await world.open();
    await work(1);
    world.sql.prepare(`UPDATE run_snapshots SET state = '{"format":0}'`).run();
    world.crash();
    await world.open();
    while (world.bus.tasks.length > 0) await work(Math.min(20, world.bus.tasks.length));
    expect(world.row('run-1').status).toBe('COMPLETED');
    const { seq } = world.row('run-1');
    expect(world.eventsOf('run-1').map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: seq }, (_, index) => index + 1),
    );
  });
});

describe('a result nests so deep that there is room for it wherever it is put', () => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
  const look = `  - { name: look, type: switch, conditions: [{ if: 'len(ctx.get("steps", {})) == 77', next: end }], defaultNext: end }`;
  const end = '  - { name: end, type: inject, data: 1, end: true }';

  test.each([
    [200, ['run.completed'], undefined],
    [
      201,
      ['run.failed'],
      { code: 'PAYLOAD_TOO_LARGE', message: expect.stringContaining('nested more than 200 deep') },
    ],
  ])('%i levels', async (depth, last, error) => {
    await world.putWorkflow(workflow('one', [step('first', 'next: look'), look, end]));
    await world.deliver(world.start('run-1', 'one'));
    await world.deliver(world.succeeded(world.takeStep(), nested(depth) as []));
    if (world.bus.tasks.length > 0) await world.deliver(world.evaluated());
    expect(world.typesOf('run-1').slice(-1)).toEqual(last);
    if (error !== undefined) expect(eventOf('run-1', 'run.failed')).toMatchObject({ error });
  });
});
