import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { linkOf } from '../src/connection.js';
import { consumerNames, provision } from '../src/index.js';
import { startBus, tasks, topology, until, worker } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;
beforeAll(async () => {
  bus = await startBus();
});
afterAll(() => bus.stop());

test('several processes may provision at the same time and again', async () => {
  const others = await Promise.all([bus.connect(), bus.connect()]);
  const drifts = await Promise.all([bus.connection, ...others].map((one) => provision(one, topology)));
  expect(drifts).toEqual([[], [], []]);
  expect(await provision(bus.connection, topology)).toEqual([]);
});

test('who is told that the subjects overlap finds the stream that another made in the same moment', async () => {
  const { manager } = linkOf(bus.connection);
  await manager.streams.delete('TASKS').catch(() => undefined);
  const add = manager.streams.add.bind(manager.streams);
  // nats-server 2.9.10 answers so to about one of 2,400 that make one stream at once, over eight connections.
  vi.spyOn(manager.streams, 'add').mockImplementationOnce(async (config) => {
    await add(config);
    await add({ ...config, name: 'SAME' });
    throw new Error('the server took two streams with the same subjects');
  });
  expect(await provision(bus.connection, topology)).toEqual([]);
  expect(await consumerNames(bus.connection, 'TASKS')).toContain(worker.durable);
});

test('subjects that a stream of another name has are an error, and not waited for', async () => {
  const taken = { ...tasks, name: 'SECOND' };
  await provision(bus.connection, topology);
  await expect(provision(bus.connection, { streams: [taken], consumers: [] })).rejects.toThrow(
    /subjects overlap/,
  );
});

test('redelivery delays are declared and compared', async () => {
  const delayed = { ...worker, durable: 'delayed', ackWaitMs: 30_000, backoffMs: [30_000, 60_000] };
  const declared = {
    streams: topology.streams,
    consumers: [{ ...delayed, filterSubject: 'task.delayed.>' }],
  };
  expect(await provision(bus.connection, declared)).toEqual([]);
  expect(await provision(bus.connection, declared)).toEqual([]);
});

test('what differs from its declaration is reported and left as it is', async () => {
  await provision(bus.connection, topology);
  const changed = {
    streams: [{ ...tasks, maxAgeMs: 5_000, allowDirect: false }],
    consumers: [{ ...worker, maxAckPending: 7 }],
  };
  const drifts = [
    { kind: 'stream', name: 'TASKS', field: 'allow_direct', declared: false, actual: true },
    { kind: 'stream', name: 'TASKS', field: 'max_age', declared: 5_000_000_000, actual: 0 },
    { kind: 'consumer', name: 'TASKS/worker', field: 'max_ack_pending', declared: 7, actual: 1_000 },
  ];
  expect(await provision(bus.connection, changed)).toEqual(drifts);
  expect(await provision(bus.connection, changed)).toEqual(drifts);
  expect(await provision(bus.connection, topology)).toEqual([]);
});

test('a consumer is waited for until its stream exists, or until the signal aborts', async () => {
  const abort = new AbortController();
  const waiting = provision(
    bus.connection,
    { streams: [], consumers: [{ ...worker, stream: 'NEVER' }] },
    { signal: abort.signal },
  );
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test('a stream that is lost while its consumers are made is made again, and they are', async () => {
  const many = Array.from({ length: 100 }, (_, index) => ({
    ...worker,
    stream: 'LOST',
    durable: `c${index}`,
    filterSubject: `lost.${index}`,
  }));
  const stream = { ...tasks, name: 'LOST', subjects: ['lost.*'] };
  const ended = new AbortController();
  const provisioned = provision(
    bus.connection,
    { streams: [stream], consumers: many },
    { signal: ended.signal },
  );
  await until(async () => expect((await consumerNames(bus.connection, 'LOST')).length).toBeGreaterThan(2));
  await linkOf(bus.connection).manager.streams.delete('LOST');
  const timer = setTimeout(() => ended.abort(new Error('it waits for a stream that nobody makes')), 15_000);
  expect(await provisioned).toEqual([]);
  clearTimeout(timer);
  expect(await consumerNames(bus.connection, 'LOST')).toHaveLength(many.length);
});

test('what the server refuses for a while is waited for, and said once', async () => {
  await provision(bus.connection, topology);
  const beside = { ...worker, durable: 'beside' };
  const ended = new AbortController();
  const said: string[] = [];
  const provisioned = provision(
    bus.connection,
    { streams: [], consumers: [beside] },
    { signal: ended.signal, onWaiting: ({ cause }) => said.push(String(cause)) },
  );
  const outcome = expect(provisioned).rejects.toThrow('aborted');
  await until(() => expect(said).toHaveLength(1));
  expect(said[0]).toContain('unique');
  ended.abort();
  await outcome;
  expect(said).toHaveLength(1);
});
