import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { openThreadTime, threadId } from './thread-time.js';

const isCounted = existsSync('/proc/thread-self/schedstat');

test.skipIf(!isCounted)(
  'the time of a thread grows while it works, and stays as it was when it has ended',
  async () => {
    const source = `
    const { parentPort } = require('node:worker_threads');
    parentPort.postMessage(require('node:fs').readlinkSync('/proc/thread-self').split('/').at(-1));
    parentPort.on('message', () => {
      let sum = 0;
      for (let count = 0; count < 5e7; count += 1) sum += count;
      parentPort.postMessage(sum);
    });`;
    const worker = new Worker(source, { eval: true });
    const [id] = (await once(worker, 'message')) as [string];
    const time = openThreadTime(Number(id));
    const before = time.read();
    worker.postMessage('work');
    await once(worker, 'message');
    // A sleeping thread has had what it has had: its own work is not this one's.
    const worked = time.read();
    expect(worked).toBeGreaterThan(before);
    await worker.terminate();
    expect(time.read()).toBeGreaterThanOrEqual(worked);
    time.close();
  },
);

test.skipIf(!isCounted)('a thread knows its own id', () => {
  const time = openThreadTime(threadId());
  expect(time.read()).toBeGreaterThan(0);
  time.close();
});

test('without an id the monotonic clock takes its place', () => {
  const time = openThreadTime(undefined);
  const before = performance.now();
  expect(time.read()).toBeGreaterThanOrEqual(before);
});
