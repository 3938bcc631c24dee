/** What the database says is in flight, compared with what lies in the task queue. */
import { headers, type StepTask, taskSubjects } from '@signalbox/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SentMessage } from './support/memory-bus.js';
import { step, TestWorld, workflow } from './support/test-world.js';

const approvalState = `  - name: ask
    type: operation
    action: human.approval
    input: { message: "Go on?", allowRequester: true }
    end: true`;

let world: TestWorld;

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
  await world.putWorkflow(workflow('one', [step('only')]));
  await world.deliver(world.start('run-1', 'one'));
});
afterEach(() => world.close());

const look = async (): Promise<void> => {
  world.clock.advance(1);
  await world.inFlight.look();
};
const answerOf = ({ workspace, runId, stepId }: StepTask): string =>
  taskSubjects.resumeStep(workspace, runId, stepId);

describe('a task that was sent', () => {
  test('and is lost is sent again, once and marked as repeated', async () => {
    const lost = world.takeStep();
    await look();
    await look();
    expect(world.bus.tasks.map((task) => task.headers[headers.repeated])).toEqual(['1']);
    expect(world.takeStep()).toEqual(lost);
  });

  test('is not asked about when it was sent since the last look', async () => {
    world.takeStep();
    await look();
    expect(world.bus.tasks).toEqual([]);
    await look();
    expect(world.bus.tasks).toHaveLength(1);
  });

  test('is sent again when its answer is lost, whatever else waits for the same consumer', async () => {
    await world.deliver(world.start('run-2', 'one'));
    const [lost, other] = [world.takeStep(), world.takeStep()];
    world.bus.undelivered.push({ subject: answerOf(other), sequence: 99 });
    await look();
    await look();
    expect(world.bus.tasks.map(({ text }) => JSON.parse(text).runId)).toEqual([lost.runId]);
  });

  test('and is lost with a server is sent again at once', async () => {
    world.takeStep();
    world.inFlight.forget();
    await look();
    expect(world.bus.tasks).toHaveLength(1);
  });

  test('is not sent again while it waits, while its answer waits, or when it is over', async () => {
    await look();
    expect(world.bus.tasks).toHaveLength(1);
    const task = world.takeStep();
    world.bus.undelivered.push({ subject: answerOf(task), sequence: 99 });
    await look();
    expect(world.bus.tasks).toEqual([]);
    world.bus.undelivered.length = 0;
    await world.deliver(world.succeeded(task));
    await look();
    expect(world.bus.tasks).toEqual([]);
  });

  test('and was passed over by its consumer is taken away and sent again at the second look', async () => {
    const [task] = world.bus.tasks;
    world.bus.passed.add(task?.sequence ?? 0);
    await look();
    expect(world.bus.tasks).toEqual([task]);
    await look();
    expect(world.bus.tasks).toHaveLength(1);
    expect(world.bus.tasks[0]?.headers[headers.repeated]).toBe('1');
    expect(world.row('run-1').status).toBe('RUNNING');
  });

  test('and is in hand stays; when it is over, it is taken away though its consumer has not passed it', async () => {
    const [claimed] = world.bus.tasks as [SentMessage];
    const task = world.takeStep();
    world.bus.tasks.push(claimed);
    world.bus.inHand.add(claimed.sequence);
    await look();
    await look();
    expect(world.bus.tasks).toEqual([claimed]);
    await world.deliver(world.succeeded(task));
    await look();
    expect(world.bus.tasks).toEqual([claimed]);
    await look();
    expect(world.bus.tasks).toEqual([]);
  });
});

describe('an approval that was asked for', () => {
  beforeEach(async () => {
    await world.putWorkflow(workflow('ask', [approvalState]));
    await world.deliver(world.start('run-2', 'ask'));
    await look();
  });
  const requests = (): readonly SentMessage[] =>
    world.bus.tasks.filter(({ subject }) => subject.startsWith('wf.task.approval.request.'));

  test('is asked for again, once, when the stream is another one than its request was sent into', async () => {
    const asked = JSON.parse(world.bus.take('wf.task.approval.request.')?.text ?? '');
    world.bus.streamName = 'second';
    await look();
    await look();
    expect(requests().map(({ text }) => JSON.parse(text))).toEqual([asked]);
    world.crash();
    world.bus = world.bus.reconnected();
    world.bus.take('wf.task.approval.request.');
    await world.open();
    await look();
    expect(requests()).toEqual([]);
  });

  test('is not asked for again while the stream is the same: who was asked has it', async () => {
    world.bus.take('wf.task.approval.request.');
    await look();
    expect(requests()).toEqual([]);
  });
});

describe('an evaluation', () => {
  const heavy = '  - { name: heavy, type: transform, expression: "len(text)", end: true }';
  const tasks = () => world.bus.tasks.filter(({ subject }) => subject.startsWith('wf.task.evaluate.'));

  beforeEach(async () => {
    await world.putWorkflow(workflow('heavy', [heavy]));
    await world.deliver(world.start('run-2', 'heavy', { text: 'a'.repeat(200_000) }));
  });

  test('goes to a lane of its own, is sent again when it is lost, and is answered as by any worker', async () => {
    expect(tasks()).toHaveLength(1);
    world.bus.take('wf.task.evaluate.');
    await look();
    await look();
    expect(tasks().map((task) => task.headers[headers.repeated])).toEqual(['1']);
    await world.deliver(world.evaluated());
    expect(world.row('run-2').status).toBe('COMPLETED');
  });

  test('that its consumer has passed over is taken away and sent again', async () => {
    world.bus.passed.add(tasks()[0]?.sequence ?? 0);
    await look();
    await look();
    expect(tasks().map((task) => task.headers[headers.repeated])).toEqual(['1']);
  });

  test('of a cancelled run is withdrawn', async () => {
    await world.deliver(world.command<'cancel'>({ type: 'cancel', runId: 'run-2' }));
    expect(world.row('run-2').status).toBe('CANCELLED');
    expect(tasks()).toEqual([]);
  });
});
