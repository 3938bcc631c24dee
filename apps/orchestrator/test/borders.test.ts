/** What belongs to one workspace, or to one kind of sender, cannot be reached by another. */
import { encodeApprovalJudgement, encodeChildEnded, taskSubjects } from '@signalbox/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agentSource, step, TestWorld, workflow } from './support/test-world.js';

let world: TestWorld;

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
});
afterEach(() => world.close());

const approve =
  '  - { name: ask, type: operation, action: human.approval, input: { message: "ok?" }, end: true }';

const startOne = async (states: readonly string[]): Promise<string[]> => {
  await world.putWorkflow(workflow('one', states));
  await world.deliver(world.start('run-1', 'one'));
  return world.typesOf('run-1');
};

test.each([[[1]], ['x'], [5], [null]])(
  'the input %j over the wire is refused: it is one object',
  async (input) => {
    await world.putWorkflow(workflow('one', [step('only')]));
    await world.deliver(
      world.command<'start'>(
        { type: 'start', runId: 'run-1', workflowId: 'one', input },
        { workspace: 'default' },
      ),
    );
    expect(world.bus.events.at(-1)?.data).toMatchObject({
      type: 'run.command_refused',
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/the input is .* has to be one object/),
    });
  },
);

test('a key __proto__ in what others send is data like any other, and reaches no object’s own machinery', async () => {
  const echo = step('echo', 'end: true').replace(
    'task: "do it"',
    'task: "do it", variables: { given: "{{ input }}" }',
  );
  await world.putWorkflow(
    workflow('one', [echo], 'output: { given: "{{ input }}", got: "{{ steps.echo }}" }\n'),
  );
  const hostile = JSON.parse('{"a":1,"__proto__":{"polluted":true},"in":[{"__proto__":{"polluted":true}}]}');
  await world.deliver(world.start('run-1', 'one', hostile));
  const task = world.takeStep();
  expect(JSON.stringify(task.input)).toContain(`"given":${JSON.stringify(hostile)}`);
  await world.deliver(world.succeeded(task, hostile));
  const done = world.eventsOf('run-1').at(-1);
  const output = { given: hostile, got: hostile };
  expect(JSON.stringify(done?.data)).toBe(JSON.stringify({ type: 'run.completed', output }));
  expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined();
});

describe('a message from another workspace', () => {
  test('neither starts, steers nor marks a run; who sent it is told that there is none', async () => {
    const before = await startOne([step('only')]);
    const foreign = { workspace: 'other' };
    await world.deliver(
      world.command<'cancel'>({ type: 'cancel', runId: 'run-1' }, foreign),
      world.command<'pause'>({ type: 'pause', runId: 'run-1' }, foreign),
      world.command<'start'>({ type: 'start', runId: 'run-1', workflowId: 'one', input: {} }, foreign),
    );
    expect(world.typesOf('run-1')).toEqual(before);
    const notices = world.bus.events.filter(({ workspace }) => workspace === 'other');
    expect(notices.map(({ sequence, data }) => [sequence, data.type])).toEqual([
      [0, 'run.command_refused'],
      [0, 'run.command_refused'],
      [0, 'run.command_refused'],
    ]);
  });

  test('does not use up the ids of commands and keys of the run’s own', async () => {
    await startOne([step('only')]);
    const same = { commandId: 'the-same' };
    await world.deliver(
      world.command<'cancel'>({ type: 'cancel', runId: 'run-1' }, { ...same, workspace: 'other' }),
      world.command<'cancel'>({ type: 'cancel', runId: 'run-1' }, same),
    );
    expect(world.row('run-1').status).toBe('CANCELLED');
  });

  test('completes no step, even with the claim of it', async () => {
    const before = await startOne([step('only')]);
    const task = world.takeStep();
    await world.deliver(world.succeeded(task, {}, { workspace: 'other' }));
    expect(world.typesOf('run-1')).toEqual(before);
    await world.deliver(world.succeeded(task));
    expect(world.row('run-1').status).toBe('COMPLETED');
  });

  test('decides no approval and ends no child', async () => {
    const before = await startOne([approve]);
    const request = world.bus.take('wf.task.approval.request.');
    const { approvalId } = JSON.parse(request?.text ?? '{}') as { approvalId: string };
    const foreign = { workspace: 'other', runId: 'run-1' };
    const decision = encodeApprovalJudgement({
      ...foreign,
      type: 'approval.decision',
      commandId: 'c',
      approvalId,
      actor: 'user:bob',
      decision: 'approve',
    });
    const outcome = { ok: true, output: {} } as const;
    const ended = encodeChildEnded(
      { ...foreign, type: 'child.ended', stepId: approvalId, childRunId: 'child', outcome },
      'e',
    );
    await world.deliver(
      world.message(decision.subject, decision.data),
      world.message(ended.subject, ended.data),
    );
    expect(world.typesOf('run-1')).toEqual(before);
  });
});

describe('two workspaces', () => {
  const putInOther = async (): Promise<void> => {
    const about = { workspace: 'other', actor: 'user:bob', issuedAt: 1 };
    const put = { ...about, type: 'put_workflow', mode: 'put', source: workflow('one', [step('only')]) };
    const agent = { ...about, type: 'put_agent', name: 'worker', source: agentSource };
    await world.deliver(
      world.message(taskSubjects.catalog('other', 'c-agent'), { ...agent, commandId: 'c-agent' }),
      world.message(taskSubjects.catalog('other', 'c-put'), { ...put, commandId: 'c-put' }),
    );
  };
  const inOther = { workspace: 'other', commandId: 'the-same' };
  const inDefault = { workspace: 'default', commandId: 'the-same' };
  const startIn = (over: { workspace: string; commandId: string }) =>
    world.command<'start'>({ type: 'start', runId: 'run-1', workflowId: 'one', input: {} }, over);

  test('have a run of the same id each: equal tasks go out under ids and keys of their own', async () => {
    await world.putWorkflow(workflow('one', [step('only')]));
    await putInOther();
    await world.deliver(startIn(inDefault), startIn(inOther));
    const steps = [world.takeStep(), world.takeStep()];
    expect(steps.map(({ workspace }) => workspace)).toEqual(['default', 'other']);
    expect(new Set(steps.map(({ stepId }) => stepId)).size).toBe(1);
    expect(new Set(steps.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2);
    const ids = world.bus.events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const each of steps) {
      expect(world.row('run-1', each.workspace).status).toBe('RUNNING');
      await world.deliver(world.succeeded(each));
      expect(world.row('run-1', each.workspace).status).toBe('COMPLETED');
    }
  });

  test('cancel a run of the same id each for itself, also after a crash', async () => {
    await world.putWorkflow(workflow('one', [step('only')]));
    await putInOther();
    await world.deliver(startIn(inDefault), startIn(inOther));
    world.crash();
    await world.open();
    await world.deliver(
      world.command<'cancel'>({ type: 'cancel', runId: 'run-1' }, { workspace: 'other', commandId: 'stop' }),
    );
    expect(world.row('run-1', 'other').status).toBe('CANCELLED');
    expect(world.row('run-1', 'default').status).toBe('RUNNING');
  });

  test('one’s quarantined run does not hold the other’s', async () => {
    await world.putWorkflow(workflow('one', [step('only')]));
    await putInOther();
    await world.deliver(startIn(inDefault), startIn(inOther));
    world.sql.prepare("UPDATE workflow_runs SET seq = 99 WHERE run_key = 'other/run-1'").run();
    world.crash();
    await world.open();
    for (let count = 0; count < 3; count += 1) {
      const pause = world.command<'pause'>({ type: 'pause', runId: 'run-1' }, { workspace: 'other' });
      await world.intake.handle([pause]);
      world.failures.length = 0;
      world.crash();
      await world.open();
    }
    await world.deliver(world.command<'pause'>({ type: 'pause', runId: 'run-1' }));
    expect(world.row('run-1').status).toBe('PAUSED');
  });
});

describe('a result counts only from who was asked:', () => {
  test('an agent does not answer a worker’s step', async () => {
    const before = await startOne([step('only')]);
    const outcome = { type: 'step.succeeded', output: {} } as const;
    await world.deliver(world.report(world.takeStep(), outcome, 'agent'));
    expect(world.typesOf('run-1')).toEqual(before);
  });

  test('a worker does not answer an agent’s step', async () => {
    const before = await startOne([step('only', 'target: agent, end: true')]);
    const task = world.takeStep();
    const outcome = { type: 'step.succeeded', output: {} } as const;
    await world.deliver(world.report(task, outcome, 'worker'));
    expect(world.typesOf('run-1')).toEqual(before);
    await world.deliver(world.report(task, outcome, 'agent'));
    expect(world.row('run-1').status).toBe('COMPLETED');
  });
});

describe('what a worker says of its clock', () => {
  test.each([9e15, -1, 1.5, 1e300, Number.MAX_SAFE_INTEGER])(
    '%d is brought between the schedule and the arrival',
    async (at) => {
      await startOne([step('only')]);
      const times = { startedAt: at, finishedAt: at };
      await world.deliver(world.report(world.takeStep(), { type: 'step.succeeded', output: {}, ...times }));
      expect(world.row('run-1').status).toBe('COMPLETED');
      const succeeded = world.eventsOf('run-1').find(({ data }) => data.type === 'step.succeeded');
      expect(succeeded?.data).toMatchObject({ startedAt: world.clock.now() });
    },
  );

  test('and its texts are cut, its warnings counted', async () => {
    await startOne([step('only')]);
    const warnings = Array.from({ length: 500 }, () => ({
      code: 'W'.repeat(500),
      message: 'm'.repeat(5_000),
    }));
    const worker = 'w'.repeat(100_000);
    await world.deliver(
      world.report(world.takeStep(), { type: 'step.succeeded', output: {}, worker, warnings }),
    );
    const succeeded = world.eventsOf('run-1').find(({ data }) => data.type === 'step.succeeded');
    expect(JSON.stringify(succeeded?.data).length).toBeLessThan(300_000);
    expect(world.row('run-1').status).toBe('COMPLETED');
  });
});

test('a run id that holds another’s is no run id: it is kept as a dead letter and starts nothing', async () => {
  await startOne([step('only')]);
  const start = world.message('wf.task.run.default.run-1/x', {
    type: 'start',
    commandId: 'c9',
    runId: 'run-1/x',
    workspace: 'default',
    actor: 'user:mallory',
    issuedAt: 1,
    workflowId: 'one',
    input: {},
  });
  await world.deliver(start);
  expect(start.answer).toBe('term');
  expect(world.count('workflow_runs')).toBe(1);
  expect(world.bus.events.at(-1)?.data).toMatchObject({ type: 'deadletter.recorded' });
});
