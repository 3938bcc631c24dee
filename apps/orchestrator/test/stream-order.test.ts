/** Messages of one run that come by two consumers, while one of them is behind the other. */
import { consumers } from '@signalbox/protocol';
import { eventually } from '@signalbox/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TestDelivery } from './support/test-delivery.js';
import { step, TestWorld, workflow } from './support/test-world.js';

const both = [consumers.orchestratorRun.durable, consumers.orchestratorResume.durable];
let world: TestWorld;

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
  await world.putWorkflow(workflow('one', [step('only')]));
});
afterEach(() => world.close());

/** They lie in the stream, and the consumers begin to deliver them. */
const remakeWith = (...stored: readonly TestDelivery[]): void => {
  world.bus.undelivered.push(
    ...stored.map(({ subject, streamSequence }) => ({ subject, sequence: streamSequence })),
  );
  world.remakeConsumers(...both);
};

test('a cancel that was stored before the result of the last step comes before it, whichever is delivered first', async () => {
  await world.deliver(world.start('run-1', 'one'));
  const task = world.takeStep();
  const cancel = world.command<'cancel'>({ type: 'cancel', runId: 'run-1' });
  const result = world.succeeded(task);
  remakeWith(cancel, result);
  await world.handle([result]);
  expect(world.row('run-1').status).toBe('RUNNING');
  await world.deliver(cancel, result);
  expect(world.row('run-1').status).toBe('CANCELLED');
});

test('a control message waits for the start that was stored before it', async () => {
  const start = world.start('run-1', 'one');
  const pause = world.command<'pause'>({ type: 'pause', runId: 'run-1' });
  remakeWith(start, pause);
  await world.handle([pause, start]);
  await world.deliver(start, pause);
  expect(world.row('run-1').status).toBe('PAUSED');
  expect(world.typesOf('run-1')).not.toContain('run.command_refused');
});

test('what is delivered waits no longer than until the others have caught up, also when nothing comes of them', async () => {
  await world.deliver(world.start('run-1', 'one'));
  const result = world.succeeded(world.takeStep());
  remakeWith(result);
  await world.deliver(result);
  expect(world.row('run-1').status).toBe('COMPLETED');
});

test('a message that a consumer was on its way to, and that has gone from the stream, holds nothing for ever', async () => {
  await world.deliver(world.start('run-1', 'one'), world.start('run-2', 'one'));
  const task = world.takeStep();
  const pause = world.command<'pause'>({ type: 'pause', runId: 'run-2' });
  // Stored while the stream is asked, and taken away after its answer.
  const gone = { subject: pause.subject, sequence: pause.streamSequence + 2 };
  world.bus.undelivered.push(gone);
  world.remakeConsumers(...both);
  await world.settled();
  world.bus.undelivered.length = 0;
  world.clock.advance(1);
  const result = world.succeeded(task);
  await world.handle([pause, result]);
  await eventually(() => {
    world.clock.advance(250);
    return world.row('run-1').status === 'COMPLETED';
  });
});

test('what is set aside waits for nobody', async () => {
  const start = world.start('run-1', 'one');
  remakeWith(start);
  const garbage = world.message('wf.task.run.default.run-2', 'not json');
  await world.handle([garbage]);
  expect(world.count('dead_letters')).toBe(1);
  await world.deliver(start);
  expect(world.row('run-1').status).toBe('RUNNING');
});
