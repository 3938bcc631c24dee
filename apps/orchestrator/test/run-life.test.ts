import { runStatus, stepView } from '@signalbox/engine';
import { eventually } from '@signalbox/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agentSource, step, TestWorld, workflow } from './support/test-world.js';

let world: TestWorld;

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
  await world.putWorkflow(workflow('two-steps', [step('first', 'next: second'), step('second')]));
});
afterEach(() => world.close());

describe('a run', () => {
  test('goes from its start to its end by tasks and results', async () => {
    await world.deliver(world.start('run-1', 'two-steps', { service: 'web' }));
    const first = world.takeStep();
    expect(first).toMatchObject({ state: 'first', attempt: 1, agent: { name: 'worker' } });
    await world.deliver(world.succeeded(first));
    expect(await world.workAll()).toBe(1);
    expect(world.typesOf('run-1')).toEqual([
      'run.started',
      'step.scheduled',
      'step.succeeded',
      'step.scheduled',
      'step.succeeded',
      'run.completed',
    ]);
    expect(world.row('run-1')).toEqual({ status: 'COMPLETED', seq: 6 });
  });

  test('has a published history without a gap that folds to what the tables say', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    await world.workAll();
    expect(world.eventsOf('run-1').map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    const state = world.folded('run-1');
    expect(runStatus(state)).toBe(world.row('run-1').status);
    expect(world.count('open_steps')).toBe(0);
  });

  test('keeps a row of each step that is open, as the history folds to it', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    const openSteps = () =>
      world.sql.prepare('SELECT step_id AS stepId, kind, status, attempt FROM open_steps').all() as {
        stepId: string;
      }[];
    const [first, ...others] = openSteps();
    expect(others).toEqual([]);
    expect(stepView(world.folded('run-1'), first?.stepId ?? '')).toMatchObject({ ...first, state: 'first' });
    await world.deliver(world.succeeded(world.takeStep()));
    const second = openSteps();
    expect(second).toHaveLength(1);
    expect(second[0]?.stepId).not.toBe(first?.stepId);
  });

  test('keeps in the outbox what waits to be published, but no task of a step, until that is marked', async () => {
    const isEmpty = () => world.count('outbox') === 0;
    world.clock.advance(1_000);
    await eventually(isEmpty, { describe: 'what was put first is marked' });
    const open = world.bus.hold();
    await world.handle([world.start('run-1', 'two-steps')]);
    expect(world.count('open_steps')).toBe(1);
    expect(world.count('outbox')).toBe(0);
    open();
    await world.settled();
    await world.workAll();
    const openAgain = world.bus.hold();
    const change = world.catalog({ type: 'put_agent', name: 'other', source: agentSource });
    await world.handle([change]);
    await eventually(() => world.count('outbox') === 1, { describe: 'the change waits in the outbox' });
    openAgain();
    await world.settled();
    world.clock.advance(1_000);
    const position = () => world.sql.prepare('SELECT events_position FROM relay').pluck().get();
    await eventually(() => position() === world.count('workflow_run_events'), { describe: 'all is marked' });
    await eventually(isEmpty, { describe: 'the change is marked' });
  });

  test('carries the id of the command that caused its events', async () => {
    const start = world.start('run-1', 'two-steps');
    await world.deliver(start);
    const { commandId } = JSON.parse(Buffer.from(start.data).toString()) as { commandId: string };
    expect(world.eventsOf('run-1').map(({ causationId }) => causationId)).toEqual([commandId, commandId]);
  });

  test('keeps the agent version it started with', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    const first = world.takeStep();
    await world.putAgent(
      'worker',
      (await import('./support/test-world.js')).agentSource.replace('Do', 'Undo'),
    );
    await world.deliver(world.succeeded(first));
    expect(world.takeStep().agent).toEqual(first.agent);
  });

  test('gets a task without an agent where the workspace has lost it', async () => {
    await world.deliver(world.catalog({ type: 'delete_agent', name: 'worker' }));
    await world.deliver(world.start('run-1', 'two-steps'));
    expect(world.takeStep().agent).toBeNull();
  });
});

describe('a step result', () => {
  test('that comes twice counts once', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    const first = world.takeStep();
    await world.deliver(world.succeeded(first), world.succeeded(first));
    await world.deliver(world.succeeded(first, { ok: false }));
    expect(world.typesOf('run-1').filter((type) => type === 'step.succeeded')).toHaveLength(1);
    expect(world.bus.tasks).toHaveLength(1);
  });

  test('without the right claim changes nothing and is acknowledged', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    const first = world.takeStep();
    const forged = world.succeeded(first, { ok: true }, { claim: 'x'.repeat(43) });
    const borrowed = world.succeeded(first, { ok: true }, { attempt: 2 });
    await world.deliver(forged, borrowed);
    expect([forged.answer, borrowed.answer]).toEqual(['ack', 'ack']);
    expect(world.typesOf('run-1')).toEqual(['run.started', 'step.scheduled']);
    expect(world.logLines.filter((line) => line.includes('without the right claim'))).toHaveLength(2);
  });

  test('of a run that nobody knows is acknowledged', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    const other = world.succeeded({ ...world.takeStep(), runId: 'run-9' });
    await world.deliver(other);
    expect(other.answer).toBe('ack');
  });
});

describe('a refused command', () => {
  const refusals = (): object[] =>
    world.bus.events
      .filter(({ data }) => data.type === 'run.command_refused')
      .map(({ sequence, data, causationId }) => ({ sequence, causationId, ...data }));

  test('is a fact of the run', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    await world.deliver(world.command<'resume'>({ type: 'resume', runId: 'run-1' }, { commandId: 'c' }));
    expect(refusals()).toEqual([
      expect.objectContaining({
        sequence: 3,
        causationId: 'c',
        command: 'resume',
        code: 'RUN_NOT_PAUSED',
        actor: 'user:alice',
      }),
    ]);
    expect(world.row('run-1').seq).toBe(3);
  });

  test('for a run that does not exist is a notice without a history', async () => {
    await world.deliver(world.command<'pause'>({ type: 'pause', runId: 'run-9' }, { commandId: 'c' }));
    expect(refusals()).toEqual([expect.objectContaining({ sequence: 0, code: 'RUN_NOT_FOUND' })]);
    expect(world.bus.journal.at(-1)).toBe('store default/run-9/refused/c');
    expect(world.count('workflow_run_events')).toBe(0);
  });

  test('of another workspace learns nothing of the run', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    await world.deliver(world.command<'cancel'>({ type: 'cancel', runId: 'run-1' }, { workspace: 'other' }));
    expect(refusals()).toEqual([expect.objectContaining({ sequence: 0, code: 'RUN_NOT_FOUND' })]);
    expect(world.row('run-1').status).toBe('RUNNING');
  });

  test('to start a run twice tells that it has started', async () => {
    await world.deliver(world.start('run-1', 'two-steps'), world.start('run-1', 'two-steps'));
    expect(refusals()).toEqual([expect.objectContaining({ sequence: 3, code: 'RUN_ALREADY_STARTED' })]);
    expect(world.bus.tasks).toHaveLength(1);
  });

  test('is refused once, however often it is delivered', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    const resume = (): Parameters<TestWorld['deliver']>[0] =>
      world.command<'resume'>({ type: 'resume', runId: 'run-1' }, { commandId: 'c' });
    await world.deliver(resume(), resume());
    await world.deliver(resume());
    expect(refusals()).toHaveLength(1);
  });

  test('is answered always, and kept a thousand times: nobody else’s commands end a run or fill its history', async () => {
    await world.putWorkflow(workflow('short', [step('only')], 'maxEvents: 100\n'));
    await world.deliver(world.start('run-1', 'short'));
    const resume = () => world.command<'resume'>({ type: 'resume', runId: 'run-1' });
    for (let count = 0; count < 11; count++) await world.deliver(...Array.from({ length: 100 }, resume));
    expect(refusals()).toHaveLength(1_100);
    expect(refusals().at(-1)).toMatchObject({ sequence: 0, code: 'RUN_NOT_PAUSED' });
    expect(world.row('run-1').seq).toBe(1_002);
    await world.workAll();
    expect(world.row('run-1').status).toBe('COMPLETED');
  });

  test('to start an unknown workflow or version names it', async () => {
    await world.deliver(world.start('run-1', 'nothing'));
    await world.deliver(
      world.command<'start'>({
        type: 'start',
        runId: 'run-2',
        workflowId: 'two-steps',
        workflowVersion: 7,
        input: {},
      }),
    );
    expect(refusals()).toEqual([
      expect.objectContaining({ sequence: 0, code: 'WORKFLOW_NOT_FOUND' }),
      expect.objectContaining({ sequence: 0, code: 'WORKFLOW_NOT_FOUND' }),
    ]);
  });

  test('to start with a wrong input names the field', async () => {
    const schema =
      'inputSchema: { type: object, required: [name], properties: { name: { type: string, pattern: "^(a+)+$" } } }\n';
    await world.putWorkflow(workflow('checked', [step('only')], schema));
    await world.deliver(world.start('run-1', 'checked', {}));
    await world.deliver(world.start('run-2', 'checked', { name: 3 }));
    await world.deliver(world.start('run-3', 'checked', { name: `${'a'.repeat(60)}!` }));
    await world.deliver(world.start('run-4', 'checked', { name: 'aaa' }));
    expect(refusals()).toEqual([
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining('name') }),
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining('/name') }),
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringContaining('must match pattern'),
      }),
    ]);
    expect(world.row('run-4').status).toBe('RUNNING');
  });
});
