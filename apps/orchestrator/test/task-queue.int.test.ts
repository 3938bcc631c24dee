/** What lies in the task queue, asked of a real server. */
import { isDeepStrictEqual } from 'node:util';
import { consumeEach } from '@signalbox/messaging';
import { consumers, streamDeclarations } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually, startTestBus } from '@signalbox/testing';
import { test } from 'vitest';
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
  const queue = createTaskQueue(bus.connection, 1_500);
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
