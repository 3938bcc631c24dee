/** Results that were stored, and that a server which came back does not have any more. */
import { deleteMessage, readLast } from '@signalbox/messaging';
import { encodeStepReport, TASKS, taskSubjects } from '@signalbox/protocol';
import { eventually } from '@signalbox/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Attempts } from '../src/attempts.js';
import { followReconnects } from '../src/report-again.js';
import { currentRunId, type StepWorld, startStepWorld, taskOf } from './step-world.js';

let world: StepWorld;
let attempts: Attempts;
let following: ReturnType<typeof followReconnects>;

beforeAll(async () => {
  world = await startStepWorld();
  await world.hearNothing();
});
afterEach(() => {
  following.close();
  return world.clear();
});
afterAll(() => world.stop());

const follow = (roundsAtMs: readonly number[]): void => {
  const { connection, publisher } = world.bus;
  attempts = new Attempts();
  following = followReconnects({ connection, publisher, attempts, now: Date.now, roundsAtMs });
};

/** What waits of a step's result. */
const waiting = (stepId: string) =>
  readLast(world.bus.connection, TASKS, taskSubjects.resumeStep('default', currentRunId(), stepId));

/** A result that was stored so long ago, and is not in the stream. */
const lost = async (stepId: string, ageMs: number): Promise<void> => {
  const task = taskOf(stepId);
  const { workspace, runId, attempt, claim } = task;
  const at = Date.now() - ageMs;
  const about = { workspace, runId, stepId, attempt, claim, worker: 'worker-1', startedAt: at };
  const result = encodeStepReport(
    { ...about, type: 'step.succeeded', finishedAt: at, output: 1 },
    'worker',
    {},
  );
  const { sequence = 0 } = await world.bus.publisher.publish(result);
  await deleteMessage(world.bus.connection, TASKS, sequence);
  attempts.keep(task, result, at);
};

const breakConnections = async (): Promise<void> => {
  await world.bus.kill();
  await world.bus.restart();
  await eventually(() => world.bus.connection.status === 'connected', { describe: 'the connection is back' });
};

test('a result of the last seconds is reported again at once when the connection is there again, and not before', async () => {
  follow([]);
  await lost('recent', 0);
  await lost('older', 30_000);
  expect(await waiting('recent')).toBeUndefined();
  await breakConnections();
  const again = await eventually(() => waiting('recent'), { describe: 'it is reported again' });
  expect(JSON.parse(Buffer.from(again.data).toString())).toMatchObject({ stepId: 'recent', output: 1 });
  // Asked about first, in a round of its own.
  expect(await waiting('older')).toBeUndefined();
});

test('what the log does not show is reported again after each break; what it shows, and what is too old, is not', async () => {
  follow([200, 1_000]);
  await lost('shown', 30_000);
  await world.happen({ type: 'step.succeeded', stepId: 'shown', attempt: 1, output: 1 });
  await lost('of-yesterday', 61_000);
  await lost('lost', 30_000);
  await breakConnections();
  const first = await eventually(() => waiting('lost'), { describe: 'it is reported in a round' });
  // The server loses it once more, and forgets that it had it.
  await deleteMessage(world.bus.connection, TASKS, first.sequence);
  await breakConnections();
  await eventually(() => waiting('lost'), { describe: 'it is reported after the next break' });
  for (const stepId of ['shown', 'of-yesterday']) expect(await waiting(stepId)).toBeUndefined();
});

test('nothing more is reported when the following has ended', async () => {
  follow([0]);
  await lost('closed', 0);
  following.close();
  follow([0]);
  await lost('open', 0);
  await breakConnections();
  await eventually(() => waiting('open'), { describe: 'who follows still reports' });
  expect(await waiting('closed')).toBeUndefined();
});
