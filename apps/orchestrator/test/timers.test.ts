import { runKeyOf } from '@signalbox/protocol';
import { eventually } from '@signalbox/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Timers } from '../src/timers.js';
import type { TestDelivery } from './support/test-delivery.js';
import { step, TestWorld, workflow } from './support/test-world.js';

const keyOf = (runId: string) => runKeyOf({ workspace: 'default', runId });

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
            const timer = { runKey: keyOf('r'), timerId, dueAt, purpose: { kind: 'run_timeout' } as const };
            timers.apply([{ kind: 'set', timer }]);
            expected.set(timerId, dueAt);
          } else {
            timers.apply([{ kind: 'cancel', runKey: keyOf('r'), timerId }]);
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
        runKey: keyOf(`r${index}`),
        timerId: 't',
        dueAt: 1e12,
        purpose: { kind: 'run_timeout' } as const,
      };
      timers.apply([
        { kind: 'set', timer },
        { kind: 'cancel', runKey: keyOf(`r${index}`), timerId: 't' },
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
    await world.settled();
    expect(world.takeStep().attempt).toBe(2);
  });

  test('fire although a batch for another run finds them due before their own wake-up', async () => {
    await world.deliver(world.failed(world.takeStep()));
    world.crash();
    let aheadMs = 0;
    await world.open({
      now: () => world.clock.now() + aheadMs,
      monotonic: () => world.clock.monotonic() + aheadMs,
      worked: () => world.clock.worked(),
      setTimer: (at, callback) => world.clock.setTimer(at, callback),
    });
    aheadMs = 20_000;
    await world.deliver(world.start('run-2', 'retried'));
    await eventually(() => world.typesOf('run-1').filter((type) => type === 'step.scheduled').length === 2, {
      timeoutMs: 2_000,
      describe: 'the retry is scheduled',
    });
  });

  test('survive a restart, and fire at once when they came due meanwhile', async () => {
    await world.deliver(world.failed(world.takeStep()));
    world.crash();
    world.clock.advance(20_000);
    await world.open();
    world.clock.advance(0);
    await world.settled();
    expect(world.takeStep().attempt).toBe(2);
  });

  test('end a step whose time is up, and take its task back', async () => {
    world.clock.advance(60_000);
    await world.settled();
    expect(world.typesOf('run-1')).toContain('step.failed');
    expect(world.bus.tasks).toEqual([]);
    expect(world.bus.journal.some((line) => line.startsWith('withdraw wf.task.step.default.run-1.'))).toBe(
      true,
    );
  });

  test('that nobody wants any more are dropped', async () => {
    const purpose = { kind: 'step_timeout', stepId: 'gone', attempt: 1 };
    world.sql
      .prepare('INSERT INTO timers VALUES (?, ?, ?, ?)')
      .run('default/run-1', 'stray', world.clock.now() + 5, JSON.stringify(purpose));
    world.crash();
    await world.open();
    const { seq } = world.row('run-1');
    world.clock.advance(10);
    await world.settled();
    expect(world.sql.prepare("SELECT count(*) FROM timers WHERE timer_id = 'stray'").pluck().get()).toBe(0);
    expect(world.row('run-1').seq).toBe(seq);
  });

  test('are gone when the run is cancelled, with its tasks', async () => {
    await world.deliver(world.command<'cancel'>({ type: 'cancel', runId: 'run-1' }));
    expect(world.count('timers')).toBe(0);
    expect(world.bus.tasks).toEqual([]);
  });
});

describe('a message and the timer that it would make needless', () => {
  let world: TestWorld;
  beforeEach(async () => {
    world = new TestWorld();
    await world.open();
    await world.putAgent('worker');
    await world.putWorkflow(workflow('timed', [step('only', 'timeoutSeconds: 60, end: true')]));
    await world.putWorkflow(
      workflow('signalled', ['  - { name: only, type: signal, signal: go, timeoutSeconds: 60, end: true }']),
    );
    await world.deliver(world.start('run-1', 'timed'));
  });
  afterEach(() => world.close());

  /** Stored now, and not delivered yet. */
  const stored = (delivery: TestDelivery): TestDelivery => {
    world.bus.undelivered.push({ subject: delivery.subject, sequence: delivery.streamSequence });
    return delivery;
  };
  const handOver = async (...deliveries: readonly TestDelivery[]): Promise<void> => {
    world.bus.undelivered.length = 0;
    await world.handle(deliveries);
    await eventually(() => deliveries.every(({ isSettled }) => isSettled));
  };
  const whatWon = (): string =>
    world.typesOf('run-1').find((type) => type === 'step.succeeded' || type === 'step.failed') ?? 'neither';

  test('a result that was stored before its timeout counts, although the timer comes due first', async () => {
    const result = stored(world.succeeded(world.takeStep()));
    world.clock.advance(60_000);
    await world.settled();
    expect(whatWon()).toBe('neither');
    await handOver(result);
    expect(whatWon()).toBe('step.succeeded');
  });

  test('a result that was stored after its timeout loses, although it is handed over with one that was in time', async () => {
    await world.deliver(world.start('run-2', 'timed'));
    const [late, inTime] = [world.takeStep(), world.takeStep()];
    const first = stored(world.succeeded(inTime));
    world.clock.advance(60_000);
    const second = stored(world.succeeded(late));
    await handOver(first, second);
    expect(whatWon()).toBe('step.failed');
    expect(world.row('run-2').status).toBe('COMPLETED');
  });

  test('what came in time while the orchestrator was away counts: results and signals', async () => {
    await world.deliver(world.start('run-2', 'signalled'));
    const result = stored(world.succeeded(world.takeStep()));
    const signal = stored(
      world.command<'signal'>({ type: 'signal', runId: 'run-2', signal: 'go', signalId: 's', payload: {} }),
    );
    world.crash();
    world.clock.advance(600_000);
    const opening = world.open();
    await world.settled();
    expect(whatWon()).toBe('neither');
    await handOver(signal, result);
    await opening;
    expect([world.row('run-1').status, world.row('run-2').status]).toEqual(['COMPLETED', 'COMPLETED']);
  });

  test('what came too late while the orchestrator was away does not', async () => {
    const task = world.takeStep();
    world.crash();
    world.clock.advance(60_000);
    const result = stored(world.succeeded(task));
    world.clock.advance(600_000);
    const opening = world.open();
    await handOver(result);
    await opening;
    expect(whatWon()).toBe('step.failed');
  });
});

describe('a wall clock that is set', () => {
  let world: TestWorld;
  beforeEach(async () => {
    world = new TestWorld();
    await world.open();
    await world.putWorkflow(workflow('waits', ['  - { name: only, type: wait, seconds: 3, end: true }']));
    await world.deliver(world.start('run-1', 'waits'));
  });
  afterEach(() => world.close());

  const passes = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 500) {
      world.clock.advance(500);
      await world.settled();
    }
  };

  test('forward by ten minutes fires what is due then within a second, and what is set later in its time', async () => {
    world.clock.set(600_000);
    await passes(1_000);
    expect(world.row('run-1').status).toBe('COMPLETED');
    await world.deliver(world.start('run-2', 'waits'));
    await passes(3_000);
    expect(world.row('run-2').status).toBe('COMPLETED');
  });

  test('back by five minutes makes no wait longer, neither one under way nor one that begins then', async () => {
    await passes(1_000);
    world.clock.set(-300_000);
    await world.deliver(world.start('run-2', 'waits'));
    await passes(2_000);
    expect(world.row('run-1').status).toBe('COMPLETED');
    expect(world.row('run-2').status).toBe('RUNNING');
    await passes(1_500);
    expect(world.row('run-2').status).toBe('COMPLETED');
  });

  test('back by ten minutes while the orchestrator is down makes no wait longer than since the last event', async () => {
    await passes(1_000);
    world.crash();
    world.clock.set(-600_000);
    await world.open();
    await passes(2_000);
    expect(world.row('run-1').status).toBe('RUNNING');
    await passes(1_000);
    expect(world.row('run-1').status).toBe('COMPLETED');
  });

  test('back by ten minutes before the orchestrator dies counts once', async () => {
    await passes(500);
    world.clock.set(-600_000);
    await passes(1_000);
    world.crash();
    await world.open();
    await passes(1_000);
    expect(world.row('run-1').status).toBe('RUNNING');
    await passes(500);
    expect(world.row('run-1').status).toBe('COMPLETED');
  });
});
