/** A real nats-server for the tests of this package, which cannot use the testing package that builds on it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedNats } from '@signalbox/embedded-nats';
import type { ConsumerDeclaration, StreamDeclaration } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { vi } from 'vitest';
import { type Connection, createPublisher, followStream, openConnection } from '../src/index.js';

export const logger = createLogger({ service: 'test', level: 'silent' });

export const tasks: StreamDeclaration = {
  name: 'TASKS',
  subjects: ['task.>'],
  retention: 'workqueue',
  discard: 'new',
  duplicateWindowMs: 120_000,
  allowDirect: true,
  denyDelete: false,
  maxAgeMs: 0,
  maxBytes: -1,
  replicas: 1,
};

export const events: StreamDeclaration = {
  ...tasks,
  name: 'EVENTS',
  subjects: ['event.>'],
  retention: 'limits',
  discard: 'old',
};

export const worker: ConsumerDeclaration = {
  stream: 'TASKS',
  durable: 'worker',
  filterSubject: 'task.step.>',
  ackWaitMs: 2_000,
  maxDeliver: 20,
  backoffMs: [],
  maxAckPending: 1_000,
};

export const topology = { streams: [tasks, events], consumers: [worker] };

export async function startBus() {
  const storeDir = await mkdtemp(join(tmpdir(), 'messaging-'));
  let server = await startEmbeddedNats({ storeDir });
  const { url, port } = server;
  const connections: Connection[] = [];
  const connect = async () => {
    const connection = await openConnection({ url, name: 'test', logger });
    connections.push(connection);
    return connection;
  };
  const connection = await connect();
  const publisher = createPublisher(connection, { sight: 'number' });
  return {
    url,
    port,
    storeDir,
    connection,
    publisher,
    connect,
    kill: async () => {
      server.kill('SIGKILL');
      await server.exited;
    },
    freeze: () => process.kill(server.pid, 'SIGSTOP'),
    resume: () => process.kill(server.pid, 'SIGCONT'),
    /** In order, so that it trusts its index of what it has stored. */
    stopServer: () => server.stop(),
    restart: async (settings: readonly string[] = []) => {
      server = await startEmbeddedNats({ storeDir, port, settings });
    },
    stop: async () => {
      publisher.close();
      for (const opened of connections) await opened.close();
      await server.stop();
      await rm(storeDir, { recursive: true, force: true });
    },
  };
}

export const until = (assertion: () => unknown) =>
  vi.waitFor(assertion as () => void, { timeout: 30_000, interval: 10 });

export const range = (count: number) => Array.from({ length: count }, (_, index) => index);

export const text = (data: Uint8Array) => Buffer.from(data).toString();

/** A promise that the test resolves: what a handler waits for. */
export function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Everything that the stream of events holds, in its order. */
export async function storedData(connection: Connection): Promise<string[]> {
  const abort = new AbortController();
  const stored: string[] = [];
  await followStream(connection, {
    stream: events.name,
    fromSequence: 1,
    signal: abort.signal,
    maxBatch: 500,
    logger,
    handler: (messages, { caughtUp }) => {
      stored.push(...messages.map(({ data }) => text(data)));
      if (caughtUp) abort.abort();
    },
  });
  return stored;
}
