import { consumers, streamDeclarations } from '@signalbox/protocol';
import { expect, test } from 'vitest';
import { eventually, startTestBus } from '../src/index.js';

test('a test bus keeps what was stored when it is killed and restarted', async () => {
  const topology = { streams: streamDeclarations(), consumers: [consumers.stepWorker] };
  const bus = await startTestBus({ topology });
  const first = await bus.publisher.publish({ subject: 'wf.event.run.default.a', id: '1', data: '{}' });
  await bus.kill();
  await bus.restart();
  await eventually(() => bus.connection.status === 'connected');
  expect(await bus.publisher.publish({ subject: 'wf.event.run.default.a', id: '1', data: '{}' })).toEqual({
    ...first,
    isDuplicate: true,
  });
  await bus.stop();
});
