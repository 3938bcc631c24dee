// Messages a second through a real nats-server on this machine: `npm run bench` in this package, after a build.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedNats } from '@signalbox/embedded-nats';
import { consumers, EVENTS, streamDeclarations, TASKS } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { consumeEach, createPublisher, followStream, openConnection, provision } from '../dist/index.js';

const count = 20_000;
const batch = 500;
const data = 'x'.repeat(300);
const logger = createLogger({ service: 'bench', level: 'warn' });
const storeDir = await mkdtemp(join(tmpdir(), 'messaging-bench-'));
const server = await startEmbeddedNats({ storeDir });
const connection = await openConnection({ url: server.url, name: 'bench', logger });
await provision(connection, { streams: streamDeclarations(), consumers: [consumers.stepWorker] });
const publisher = createPublisher(connection);

async function rate(name, work) {
  const startedAt = performance.now();
  await work();
  const perSecond = Math.round((count / (performance.now() - startedAt)) * 1_000);
  process.stdout.write(`${JSON.stringify({ name, count, perSecond })}\n`);
}

async function publishOn(subject) {
  for (let from = 0; from < count; from += batch) {
    const ids = Array.from({ length: batch }, (_, index) => `${subject}/${from + index}`);
    await publisher.publishAll(
      ids.map((id) => ({ subject, id, headers: { traceparent: '00-0-0-01' }, data })),
    );
  }
}

function consume(maxInFlight, total, onMessage) {
  const { promise, resolve } = resolvers();
  let seenCount = 0;
  const handler = async (delivery) => {
    delivery.ack();
    onMessage?.();
    if (++seenCount === total) resolve();
  };
  const source = { stream: TASKS, durable: consumers.stepWorker.durable, maxInFlight };
  const consumption = consumeEach(connection, { ...source, logger, handler });
  return promise.then(() => consumption.stop());
}

function resolvers() {
  let resolve;
  const promise = new Promise((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}

await rate(`publish, batches of ${batch}`, () => publishOn('wf.task.step.default.run.a'));
await rate('consume and acknowledge, window 256', () => consume(256, count));
await publishOn('wf.task.step.default.run.b');
await rate('consume and acknowledge, window 16', () => consume(16, count));

await publishOn('wf.event.run.default.a');
const abort = new AbortController();
const options = { stream: EVENTS, fromSequence: 1, maxBatch: 500, logger, signal: abort.signal };
const handler = (_messages, { caughtUp }) => caughtUp && abort.abort();
await rate('follow, batches of 500', () => followStream(connection, { ...options, handler }));

const times = [];
let arrived = () => undefined;
const consuming = consume(16, 1_000, () => arrived());
for (let index = 0; index < 1_000; index += 1) {
  const { promise, resolve } = resolvers();
  arrived = resolve;
  const startedAt = performance.now();
  await publisher.publish({ subject: 'wf.task.step.default.run.c', id: `latency/${index}`, data });
  await promise;
  times.push(performance.now() - startedAt);
}
await consuming;
times.sort((a, b) => a - b);
const [p50Ms, p99Ms] = [times[500], times[990]].map((ms) => Number(ms.toFixed(3)));
process.stdout.write(`${JSON.stringify({ name: 'one message, published to handled', p50Ms, p99Ms })}\n`);

publisher.close();
await connection.close();
await server.stop();
await rm(storeDir, { recursive: true });
