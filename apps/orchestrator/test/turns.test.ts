/** A batch is committed in turns of bounded time, and the event loop has its own between them. */
import { evolve, initialState, type RunEvent } from '@signalbox/engine';
import { runKeyOf, TASKS } from '@signalbox/protocol';
import { eventually } from '@signalbox/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../src/clock.js';
import { decodeInput } from '../src/wire/input-codec.js';
import { wholeTurn } from '../src/work.js';
import { step, TestWorld, workflow } from './support/test-world.js';

let world: TestWorld;
let elapsedMs: number;

/** As if every look at the monotonic clock came half a turn after the one before. */
const slow = (): Clock => ({
  now: () => world.clock.now(),
  monotonic: () => {
    elapsedMs += wholeTurn.ms / 2;
    return elapsedMs;
  },
  worked: () => elapsedMs,
  setTimer: (at, callback) => world.clock.setTimer(at, callback),
});

beforeEach(async () => {
  world = new TestWorld();
  elapsedMs = 0;
  await world.open(slow());
  await world.putAgent('worker');
  await world.putWorkflow(workflow('two-steps', [step('first', 'next: second'), step('second')]));
});
afterEach(() => world.close());

test('a batch that takes long is committed in parts, and others have their turn between them', async () => {
  const starts = Array.from({ length: 12 }, (_, index) => world.start(`run-${index}`, 'two-steps'));
  const counts = new Set<number>();
  let isHandled = false;
  const handled = world.handle(starts).then(() => {
    isHandled = true;
  });
  while (!isHandled) {
    await new Promise((resolve) => setImmediate(resolve));
    counts.add(world.count('workflow_runs'));
  }
  await handled;
  expect(world.count('workflow_runs')).toBe(12);
  expect(counts.size).toBeGreaterThan(3);
  await eventually(() => starts.every(({ answer }) => answer === 'ack'), { describe: 'all are settled' });
});

test('what a crash between two parts leaves is done by the redelivery, once and in order', async () => {
  const starts = Array.from({ length: 6 }, (_, index) => world.start(`run-${index}`, 'two-steps'));
  const cancels = starts.map((_, index) =>
    world.command<'cancel'>({ type: 'cancel', runId: `run-${index}` }),
  );
  const handled = world.handle([...starts, ...cancels]);
  // Looked at between any two turns: a look by the clock may come when all is done.
  while (world.count('workflow_runs') === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(
    world.sql.prepare("SELECT count(*) FROM workflow_runs WHERE status = 'CANCELLED'").pluck().get(),
  ).toBe(0);
  const lost = world.bus;
  world.crash();
  await handled;
  world.bus = lost.reconnected();
  world.failures.length = 0;
  await world.open(slow());
  await world.deliver(...[...starts, ...cancels].map(({ subject, data }) => world.message(subject, data)));
  for (const [index] of starts.entries()) {
    expect(world.row(`run-${index}`).status).toBe('CANCELLED');
    const events = world.eventsOf(`run-${index}`);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, at) => at + 1));
    const folded = events.reduce(
      (state, { sequence, at, data }) => evolve(state, { seq: sequence, at, event: data as RunEvent }),
      initialState as Parameters<typeof evolve>[0],
    );
    expect(folded).toMatchObject({ phase: { kind: 'cancelled' } });
  }
});

test('a start does not wait behind the flood of another run, nor does the step of a small run', async () => {
  await world.deliver(world.start('flood', 'two-steps'), world.start('small', 'two-steps'));
  const flood = Array.from({ length: 100 }, (_, index) =>
    world.command<'pause' | 'resume'>({ type: index % 2 === 0 ? 'pause' : 'resume', runId: 'flood' }),
  );
  const started = world.start('newcomer', 'two-steps');
  const small = world.bus.tasks.filter(({ text }) => text.includes('"small"'));
  expect(small).toHaveLength(1);
  const result = world.succeeded(JSON.parse(small[0]?.text ?? ''));
  const handled = world.handle([...flood, started, result]);
  // Time passes, for those that pause.
  while (!started.isSettled || !result.isSettled)
    await new Promise((resolve) => setImmediate(resolve, world.clock.advance(1)));
  expect(flood.filter(({ isSettled }) => isSettled).length).toBeLessThan(20);
  while (!flood.every(({ isSettled }) => isSettled))
    await new Promise((resolve) => setImmediate(resolve, world.clock.advance(1)));
  await handled;
  await eventually(() => flood.every(({ answer }) => answer === 'ack'), { describe: 'nobody starves' });
  const paused = world.typesOf('flood').filter((type) => type === 'run.paused' || type === 'run.resumed');
  expect(paused).toEqual(flood.map((_, index) => (index % 2 === 0 ? 'run.paused' : 'run.resumed')));
});

test('a start does not wait behind the timers of a wide run that come due at once', async () => {
  const rest = '      states: [{ name: rest, type: wait, seconds: 60, end: true }]';
  const wide = `  - name: all\n    type: foreach\n    itemsPath: input.items\n    maxConcurrency: 100\n    iterator:\n${rest}\n    end: true`;
  await world.putWorkflow(workflow('resting', [wide]));
  await world.deliver(world.start('wide', 'resting', { items: Array.from({ length: 100 }, (_, at) => at) }));
  const resting = () =>
    world.sql.prepare("SELECT count(*) FROM timers WHERE timer_id LIKE '%wait%'").pluck().get() as number;
  const turnUntil = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve, world.clock.advance(1)));
  };
  await turnUntil(() => resting() === 100);
  world.clock.advance(61_000);
  // They have their places: who came first would be decided first.
  await turnUntil(() => world.intake.waiting.inputs > 80);
  await world.intake.handle([world.start('newcomer', 'two-steps')]);
  while (world.count('workflow_runs') < 2) await new Promise((resolve) => setImmediate(resolve));
  expect(resting()).toBeGreaterThan(60);
  await turnUntil(() => resting() === 0);
});

test('what is not wanted any more does not end the wait for what was handed in with it', async () => {
  const ids = Array.from({ length: 12 }, (_, index) => `run-${index}`);
  await world.deliver(...ids.map((runId) => world.start(runId, 'two-steps')));
  const cancels = ids.map((runId) => {
    const { subject, data, streamSequence } = world.command<'cancel'>({ type: 'cancel', runId });
    const about = { stream: TASKS, consumer: 'orchestrator-run', deliveryCount: 1, headers: {} };
    return decodeInput({ ...about, subject, data, streamSequence }, world.clock.now());
  });
  const runKey = runKeyOf({ workspace: 'default', runId: 'nobody' });
  const timer = { runKey, timerId: 'yield', dueAt: 0, purpose: { kind: 'yield_over' } } as const;
  expect(await world.intake.submit([{ kind: 'timer', timer }, ...cancels])).toBe(false);
  expect(new Set(ids.map((runId) => world.row(runId).status))).toEqual(new Set(['CANCELLED']));
});

test('messages of one run keep their order although they fall into different parts', async () => {
  const messages = Array.from({ length: 8 }, (_, index) => {
    const runId = `run-${index}`;
    return [
      world.start(runId, 'two-steps'),
      world.command<'pause'>({ type: 'pause', runId }),
      world.command<'resume'>({ type: 'resume', runId }),
      world.command<'cancel'>({ type: 'cancel', runId }),
    ];
  }).flat();
  await world.deliver(...messages);
  for (let index = 0; index < 8; index += 1)
    expect(world.typesOf(`run-${index}`).filter((type) => type.startsWith('run.'))).toEqual([
      'run.started',
      'run.paused',
      'run.resumed',
      'run.cancelled',
    ]);
});

test('the cancel of a wide run goes on after a crash in the middle of it, and its history has no gap', async () => {
  const iterator = `      states: [{ name: one, type: operation, action: agent.run, input: { agent: worker, task: "do it" }, end: true }]`;
  const wide = `  - name: all\n    type: foreach\n    itemsPath: input.items\n    maxConcurrency: 400\n    iterator:\n${iterator}\n    end: true`;
  await world.putWorkflow(workflow('wide', [wide]));
  await world.deliver(world.start('run-wide', 'wide', { items: Array.from({ length: 400 }, (_, at) => at) }));
  const scheduled = () => world.typesOf('run-wide').filter((type) => type === 'step.scheduled').length;
  const turnUntil = (isSo: () => boolean) =>
    eventually(
      () => {
        world.clock.advance(1);
        return isSo();
      },
      { timeoutMs: 30_000, describe: 'the run goes on' },
    );
  await turnUntil(() => scheduled() === 400);
  await world.intake.handle([world.command<'cancel'>({ type: 'cancel', runId: 'run-wide' })]);
  // Not longer: timers that are being fired already may take the cancel on to its end.
  while (!world.typesOf('run-wide').includes('run.ending'))
    await new Promise((resolve) => setImmediate(resolve));
  expect(world.row('run-wide').status).toBe('RUNNING');
  expect(world.typesOf('run-wide')).toContain('run.ending');
  world.crash();
  world.bus = world.bus.reconnected();
  await world.open(slow());
  await turnUntil(() => world.row('run-wide').status === 'CANCELLED');
  await eventually(() => world.typesOf('run-wide').at(-1) === 'run.cancelled', {
    describe: 'all is published',
  });
  const events = world.eventsOf('run-wide');
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, at) => at + 1));
  expect(world.folded('run-wide')).toMatchObject({ phase: { kind: 'cancelled' }, scopes: { size: 1 } });
  await turnUntil(() => world.bus.tasks.length === 0);
});
