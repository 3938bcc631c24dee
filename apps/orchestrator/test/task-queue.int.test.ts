/** What lies in the task queue, asked of a real server. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { startEmbeddedNats } from '@signalbox/embedded-nats';
import {
  consumeEach,
  createPublisher,
  openConnection,
  provision,
  readNewest,
  readStreamFacts,
} from '@signalbox/messaging';
import { consumers, streamDeclarations, TASKS, taskSubjects } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually, startTestBus } from '@signalbox/testing';
import { expect, test } from 'vitest';
import { QueueProbe } from '../src/log/queue-probe.js';
import { createTaskQueue } from '../src/task-queue.js';

test('a task that its consumer counts as in hand for ever is passed over when nobody gives a sign of life of it', async () => {
  const { stepWorker } = consumers;
  const bus = await startTestBus({ topology: { streams: streamDeclarations(), consumers: [stepWorker] } });
  const hold = (heartbeatMs: number) =>
    consumeEach(bus.connection, {
      stream: stepWorker.stream,
      durable: stepWorker.durable,
      maxInFlight: 1,
      logger: createLogger({ service: 'test', level: 'silent' }),
      heartbeatMs,
      handler: () => new Promise(() => undefined),
    });
  const send = async (run: string): Promise<number> => {
    const message = { subject: `wf.task.step.default.${run}.step`, data: '{}' };
    return (await bus.publisher.publish(message)).sequence ?? 0;
  };
  const queue = createTaskQueue(bus.connection, () => [stepWorker], 1_500);
  const told = async (): Promise<[number, boolean][]> => {
    const found: [number, boolean][] = [];
    for await (const { message, isPassed } of queue.claimedTasks()) found.push([message.sequence, isPassed]);
    return found;
  };
  const silent = await send('a');
  const holding = [hold(3_600_000)];
  await eventually(async () => (await told()).length === 1, { describe: 'the first is claimed' });
  const alive = await send('b');
  holding.push(hold(100));
  await eventually(
    async () =>
      isDeepStrictEqual(await told(), [
        [silent, true],
        [alive, false],
      ]),
    { describe: 'the silent one is passed over, and the other one is not' },
  );
  queue.close();
  await Promise.all(holding.map((each) => each.stop({ graceMs: 0 })));
  await bus.stop();
});

test('a consumer that has passed numbers which the stream gives again is made anew, and delivers', async () => {
  const { stepWorker } = consumers;
  const storeDir = await mkdtemp(join(tmpdir(), 'signalbox-ahead-'));
  const logger = createLogger({ service: 'test', level: 'silent' });
  const before = await startEmbeddedNats({ storeDir });
  const connection = await openConnection({ url: before.url, name: 'test', logger });
  const publisher = createPublisher(connection);
  const queue = createTaskQueue(connection, () => [stepWorker]);
  await provision(connection, { streams: streamDeclarations(), consumers: [stepWorker] });
  const taken: string[] = [];
  const { stream, durable } = stepWorker;
  const worker = consumeEach(connection, {
    stream,
    durable,
    maxInFlight: 4,
    logger,
    handler: async (delivery) => {
      taken.push(delivery.subject);
      delivery.ack();
    },
  });
  const send = (step: string) =>
    publisher.publish({ subject: `wf.task.step.default.run.${step}`, data: '{}' });
  for (let count = 0; count < 20; count += 1) await send(`s${count}`);
  await eventually(() => taken.length === 20, { describe: 'all is taken' });
  expect(await queue.mendConsumers()).toEqual([]);

  await before.stop();
  const messages = join(storeDir, 'jetstream', '$G', 'streams', stream, 'msgs');
  for (const name of await readdir(messages)) await rm(join(messages, name));
  const after = await startEmbeddedNats({ storeDir, port: before.port });
  await eventually(() => connection.status === 'connected', { describe: 'the server is back' });
  expect((await send('lost')).sequence).toBe(1);
  expect(await queue.mendConsumers()).toEqual([durable]);
  await eventually(() => taken.includes('wf.task.step.default.run.lost'), { describe: 'it is delivered' });
  expect(await queue.mendConsumers()).toEqual([]);

  queue.close();
  publisher.close();
  await worker.stop({ graceMs: 0 });
  await connection.close();
  await after.stop();
  await rm(storeDir, { recursive: true, force: true });
});

test('a queue that gives back what it stores stays as it is, and no probe is left in it, of a killed process neither', async () => {
  const bus = await startTestBus({ topology: { streams: streamDeclarations(), consumers: [] } });
  const { connection, publisher } = bus;
  const before = await readStreamFacts(connection, TASKS);
  const task = { subject: 'wf.task.step.default.run.step', data: '{}' };
  await publisher.publishAll([{ subject: taskSubjects.probe, data: '{}' }, task]);
  const logger = createLogger({ service: 'test', level: 'silent' });
  const probe = new QueueProbe({ connection, publisher, makeQueue: async () => undefined, logger });
  await probe.look(() => true);
  const after = await readStreamFacts(connection, TASKS);
  // The task is the first that is left, and the last number was the probe's.
  expect(after).toMatchObject({ id: before.id, firstSequence: 2, lastSequence: 3 });
  expect(await readNewest(connection, TASKS, taskSubjects.probe)).toBeUndefined();
  await bus.stop();
});
