/** What a queue holds that nobody is given any more, over a real nats-server. */
import { consumeEach, getMessage, onMaxDeliveries } from '@signalbox/messaging';
import { consumers, streamDeclarations, TASKS, taskSubjects } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually, startTestBus, type TestBus } from '@signalbox/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { followStranded } from '../src/stranded.js';
import { step, TestWorld, workflow } from './support/test-world.js';

const logger = createLogger({ service: 'test', level: 'silent' });
const own = [
  consumers.orchestratorRun,
  consumers.orchestratorResume,
  consumers.orchestratorCatalog,
  consumers.orchestratorDeadLetter,
];
let bus: TestBus;
let world: TestWorld;

beforeEach(async () => {
  bus = await startTestBus({
    topology: { streams: streamDeclarations(), consumers: [...own, consumers.stepWorker] },
  });
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
  await world.putWorkflow(workflow('one', [step('only')]));
});
afterEach(async () => {
  await world.close();
  await bus.stop();
});

/** Gives the message back until the server gives up; the consumer has passed it then. */
const strand = async (subject: string, data: string, durable: string): Promise<number> => {
  const { sequence } = await bus.publisher.publish({ subject, data });
  const advisories: number[] = [];
  const watching = onMaxDeliveries(bus.connection, TASKS, (advisory) =>
    advisories.push(advisory.streamSequence),
  );
  await watching.ready;
  const consumption = consumeEach(bus.connection, {
    stream: TASKS,
    durable,
    maxInFlight: 1,
    logger,
    handler: async (delivery) => (delivery.streamSequence === sequence ? delivery.nak() : delivery.ack()),
  });
  await eventually(() => advisories.includes(sequence));
  // The consumer passes it with the next acknowledgement.
  const next = await bus.publisher.publish({ subject, data: '{}' });
  await eventually(async () => (await getMessage(bus.connection, TASKS, next.sequence)) === undefined);
  await consumption.stop();
  watching.close();
  return sequence;
};

const follow = (): { close(): void } =>
  followStranded({
    connection: bus.connection,
    intake: world.intake,
    isInFlight: world.isInFlight,
    clock: world.clock,
    logger,
    fail: (cause) => world.failures.push(cause),
  });

describe('a stranded message', () => {
  test('for the orchestrator is handled once more and taken away', async () => {
    const command = world.start('run-1', 'one');
    const text = Buffer.from(command.data).toString();
    const sequence = await strand(taskSubjects.run('run-1'), text, consumers.orchestratorRun.durable);
    const following = follow();
    await eventually(async () => (await getMessage(bus.connection, TASKS, sequence)) === undefined);
    following.close();
    expect(world.row('run-1').status).toBe('RUNNING');
    expect(world.failures).toEqual([]);
  });

  test('for a worker fails its step only when it is found a second time', async () => {
    await world.deliver(world.start('run-1', 'one'));
    const task = world.takeStep();
    const subject = taskSubjects.step(task.runId, task.stepId);
    const sequence = await strand(subject, JSON.stringify(task), consumers.stepWorker.durable);
    // The mark of what is published is the world's own timer.
    world.clock.advance(1_000);
    const following = follow();
    await eventually(() => (world.clock.nextDueAt ?? 0) >= world.clock.now() + 60_000);
    expect(world.row('run-1').status).toBe('RUNNING');
    world.clock.advance(60_000);
    await eventually(async () => (await getMessage(bus.connection, TASKS, sequence)) === undefined);
    following.close();
    expect(world.row('run-1').status).toBe('FAILED');
  });
});
