import { TransientError } from '@signalbox/messaging';
import { eventually } from '@signalbox/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../src/clock.js';
import type { MemoryBus } from './support/memory-bus.js';
import { step, TestWorld, workflow } from './support/test-world.js';

let world: TestWorld;

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
  await world.putWorkflow(workflow('two-steps', [step('first', 'next: second'), step('second')]));
});
afterEach(() => world.close());

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const wholeHistory = [
  'run.started',
  'step.scheduled',
  'step.succeeded',
  'step.scheduled',
  'step.succeeded',
  'run.completed',
];

describe('a crash', () => {
  test('before the commit leaves nothing behind, and the redelivery does all of it', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    const result = world.succeeded(world.takeStep());
    world.crash();
    let readings = Number.NEGATIVE_INFINITY;
    const failing: Clock = {
      now: () => {
        readings += 1;
        if (readings > 2) throw new Error('the machine stops');
        return world.clock.now();
      },
      monotonic: () => world.clock.monotonic(),
      worked: () => world.clock.worked(),
      setTimer: (at, callback) => world.clock.setTimer(at, callback),
    };
    await world.open(failing);
    readings = 0;
    await world.handle([result]).catch(() => undefined);
    await world.handle([result]).catch((cause: unknown) => world.failures.push(cause));
    expect(world.failures).not.toHaveLength(0);
    expect(result.answer).toBeUndefined();
    world.crash();
    world.failures.length = 0;
    await world.open();
    expect(world.row('run-1').seq).toBe(2);
    await world.deliver(result);
    await world.workAll();
    expect(world.typesOf('run-1')).toEqual(wholeHistory);
  });

  test('between commit and publication publishes at the next start what was committed, once', async () => {
    await world.deliver(world.start('run-1', 'two-steps'));
    const result = world.succeeded(world.takeStep());
    const lost = world.bus;
    lost.hold();
    await world.handle([result]);
    expect(world.row('run-1').seq).toBe(4);
    expect(world.typesOf('run-1')).toHaveLength(2);
    world.crash();
    world.bus = copyOf(lost);
    await world.open();
    expect(world.typesOf('run-1')).toEqual(wholeHistory.slice(0, 4));
    await world.deliver(world.message(result.subject, result.data));
    expect(await world.workAll()).toBe(1);
    expect(world.typesOf('run-1')).toEqual(wholeHistory);
  });

  test('between publication and mark publishes again under the same ids, so nothing counts twice', async () => {
    const start = world.start('run-1', 'two-steps');
    await world.deliver(start);
    const storedCount = world.bus.journal.length;
    world.crash();
    await world.open();
    expect(world.bus.journal).toHaveLength(storedCount);
    // The two events of the run, and those of the catalog before it; the task lies in the queue and is not sent.
    expect(world.bus.duplicateCount).toBe(4);
    await world.deliver(world.message(start.subject, start.data));
    expect(world.typesOf('run-1')).toEqual(wholeHistory.slice(0, 2));
    await world.workAll();
    expect(world.typesOf('run-1')).toEqual(wholeHistory);
  });

  test('after a withdrawal does not lose a task that the repeated withdrawal takes away', async () => {
    await world.putWorkflow(
      workflow('timed', [
        step('slow', 'timeoutSeconds: 5, retry: { maxAttempts: 2, backoffSeconds: 0 }, end: true'),
      ]),
    );
    await world.deliver(world.start('run-1', 'timed'));
    expect(world.takeStep().attempt).toBe(1);
    const open = world.bus.hold();
    world.clock.advance(5_000);
    await settled();
    world.clock.advance(1);
    await settled();
    open();
    await eventually(() => world.bus.tasks.length === 1, { describe: 'the task is sent' });
    world.crash();
    await world.open();
    expect(world.bus.tasks).toHaveLength(1);
    expect(world.takeStep().attempt).toBe(2);
  });

  test('keeps the order of what was sent before: nothing new goes out ahead of the leftovers', async () => {
    world.bus.hold();
    await world.handle([world.start('run-1', 'two-steps')]);
    world.crash();
    world.bus = copyOf(world.bus);
    await world.open();
    await world.deliver(world.start('run-2', 'two-steps'));
    const runs = world.bus.events.slice(-4).map(({ runId }) => runId);
    expect(runs).toEqual(['run-1', 'run-1', 'run-2', 'run-2']);
  });
});

describe('a delivery', () => {
  test('is not acknowledged before everything that follows from it is stored', async () => {
    const open = world.bus.hold();
    const start = world.start('run-1', 'two-steps');
    await world.handle([start]);
    expect(world.row('run-1').status).toBe('RUNNING');
    expect(start.answer).toBeUndefined();
    open();
    const other = world.start('run-2', 'two-steps');
    await world.deliver(other);
    expect(start.answer).toBe('ack');
  });

  test('waits while a turn is unpublished and little else has come, and none of them is lost', async () => {
    const open = world.bus.hold();
    const starts = Array.from({ length: 16 }, (_, index) => world.start(`run-${index}`, 'two-steps'));
    for (const start of starts.slice(0, 1)) await world.handle([start]);
    const handled = starts.slice(1).map((start) => world.handle([start]));
    await settled();
    await settled();
    expect(world.count('workflow_runs')).toBe(1);
    open();
    await Promise.all(handled);
    await world.deliver();
    expect(world.count('workflow_runs')).toBe(16);
  });

  test('is acknowledged after the server has refused and then taken what follows', async () => {
    world.bus.failOnce(new TransientError('busy'));
    const start = world.start('run-1', 'two-steps');
    await world.handle([start]);
    await eventually(() => world.logLines.some((line) => line.includes('trying again')), {
      describe: 'the server has refused',
    });
    expect(start.answer).toBeUndefined();
    world.clock.advance(1_000);
    await eventually(() => start.answer === 'ack', { describe: 'the server has taken it' });
    expect(world.typesOf('run-1')).toEqual(wholeHistory.slice(0, 2));
  });
});

/** What the server holds outlives the process; the gate of the old connection does not. */
const copyOf = (bus: MemoryBus): MemoryBus => bus.reconnected();
