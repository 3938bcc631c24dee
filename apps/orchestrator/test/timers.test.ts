import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Timers } from '../src/timers.js';
import { step, TestWorld, workflow } from './support/test-world.js';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('timers in memory', () => {
  test('are handed out in order of their instants, each once, and never when cancelled', () => {
    const change = fc.record({
      id: fc.integer({ min: 0, max: 20 }),
      dueAt: fc.integer({ min: 0, max: 100 }),
      isSet: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const timers = new Timers([]);
        const expected = new Map<string, number>();
        for (const { id, dueAt, isSet } of changes) {
          const timerId = `t${id}`;
          if (isSet) {
            const timer = { runId: 'r', timerId, dueAt, purpose: { kind: 'run_timeout' } as const };
            timers.apply([{ kind: 'set', timer }]);
            expected.set(timerId, dueAt);
          } else {
            timers.apply([{ kind: 'cancel', runId: 'r', timerId }]);
            expected.delete(timerId);
          }
        }
        const due = timers.takeDue(50, 1_000);
        expect(due.map(({ dueAt }) => dueAt)).toEqual(
          [...expected.values()].filter((dueAt) => dueAt <= 50).sort((a, b) => a - b),
        );
        expect(timers.takeDue(50, 1_000)).toEqual([]);
        const rest = [...expected.values()].filter((dueAt) => dueAt > 50);
        expect(timers.nextDueAt()).toBe(rest.length === 0 ? undefined : Math.min(...rest));
      }),
    );
  });

  test('do not pile up when they are cancelled long before they are due', () => {
    const timers = new Timers([]);
    for (let index = 0; index < 20_000; index += 1) {
      const timer = {
        runId: `r${index}`,
        timerId: 't',
        dueAt: 1e12,
        purpose: { kind: 'run_timeout' } as const,
      };
      timers.apply([
        { kind: 'set', timer },
        { kind: 'cancel', runId: `r${index}`, timerId: 't' },
      ]);
    }
    expect(timers.heldCount).toBeLessThan(2_100);
  });
});

describe('durable timers', () => {
  let world: TestWorld;
  beforeEach(async () => {
    world = new TestWorld();
    await world.open();
    await world.putAgent('worker');
    const retry = 'retry: { maxAttempts: 2, backoffSeconds: 10 }, timeoutSeconds: 60, end: true';
    await world.putWorkflow(workflow('retried', [step('only', retry)]));
    await world.deliver(world.start('run-1', 'retried'));
  });
  afterEach(() => world.close());

  test('bring a retry when it is due', async () => {
    await world.deliver(world.failed(world.takeStep()));
    expect(world.bus.tasks).toEqual([]);
    world.clock.advance(20_000);
    await settled();
    expect(world.takeStep().attempt).toBe(2);
  });

  test('survive a restart, and fire at once when they came due meanwhile', async () => {
    await world.deliver(world.failed(world.takeStep()));
    world.crash();
    world.clock.advance(20_000);
    await world.open();
    world.clock.advance(0);
    await settled();
    expect(world.takeStep().attempt).toBe(2);
  });

  test('end a step whose time is up, and take its task back', async () => {
    world.clock.advance(60_000);
    await settled();
    expect(world.typesOf('run-1')).toContain('step.failed');
    expect(world.bus.tasks).toEqual([]);
    expect(world.bus.journal.some((line) => line.startsWith('withdraw wf.task.step.run-1.'))).toBe(true);
  });

  test('that nobody wants any more are dropped', async () => {
    const purpose = { kind: 'step_timeout', stepId: 'gone', attempt: 1 };
    world.sql
      .prepare('INSERT INTO timers VALUES (?, ?, ?, ?)')
      .run('run-1', 'stray', world.clock.now() + 5, JSON.stringify(purpose));
    world.crash();
    await world.open();
    const { seq } = world.row('run-1');
    world.clock.advance(10);
    await settled();
    expect(world.sql.prepare("SELECT count(*) FROM timers WHERE timer_id = 'stray'").pluck().get()).toBe(0);
    expect(world.row('run-1').seq).toBe(seq);
  });

  test('are gone when the run is cancelled, with its tasks', async () => {
    await world.deliver(world.command<'cancel'>({ type: 'cancel', runId: 'run-1' }));
    expect(world.count('timers')).toBe(0);
    expect(world.bus.tasks).toEqual([]);
  });
});
