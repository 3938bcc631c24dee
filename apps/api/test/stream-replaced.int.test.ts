/** nats-server loses everything under a running api, or drops what it has not read yet. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedNats } from '@signalbox/embedded-nats';
import { createPublisher, openConnection, provision, readStreamFacts } from '@signalbox/messaging';
import { EVENTS, streamDeclarations } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually, spawnProcess } from '@signalbox/testing';
import { afterEach, expect, test } from 'vitest';
import { InMemoryOrchestrator } from './support/in-memory-orchestrator.js';
import { single } from './support/workflows.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-api-'));
  closers.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** Starts nats-server with the events of one workflow and of so many runs on its stream. */
const serve = async (runCount: number, port?: number) => {
  const server = await startEmbeddedNats({ storeDir: folder(), ...(port === undefined ? {} : { port }) });
  closers.push(() => server.stop());
  const logger = createLogger({ service: 'test', level: 'silent' });
  const connection = await openConnection({ url: server.url, name: 'test', logger });
  await provision(connection, { streams: streamDeclarations(), consumers: [] });
  const publisher = createPublisher(connection);
  const orchestrator = new InMemoryOrchestrator();
  const base = { workspace: 'default', actor: 'user:alice', issuedAt: 1 };
  await orchestrator.send({
    kind: 'catalog',
    command: { ...base, commandId: 'put', type: 'put_workflow', mode: 'put', source: single() },
  });
  for (let index = 0; index < runCount; index += 1) {
    const runId = `run-${port ?? 'first'}-${index}`;
    const command = {
      ...base,
      commandId: runId,
      type: 'start' as const,
      runId,
      workflowId: 'single',
      input: {},
    };
    await orchestrator.send({ kind: 'run', command });
  }
  await publisher.publishAll(
    orchestrator.stream.map(({ subject, data, sequence }) => ({ subject, data, id: `event-${sequence}` })),
  );
  publisher.close();
  await connection.close();
  return { ...server, runIds: orchestrator.runIds };
};

const startApi = async (natsUrl: string) => {
  const api = spawnProcess({
    script: join(import.meta.dirname, '../dist/main.js'),
    env: { SIGNALBOX_NATS_URL: natsUrl, SIGNALBOX_DATA_DIR: folder(), SIGNALBOX_API_PORT: '0' },
  });
  closers.push(async () => {
    api.kill('SIGKILL');
    await api.exited;
  });
  return { api, url: (await api.ready).url };
};

test.each([1, 3, 8])(
  'a server that comes back empty, and then holds %i other runs, makes a running api build again',
  async (runCount) => {
    const first = await serve(3);
    const { url } = await startApi(first.url);
    const runIds = async (): Promise<string[]> => {
      const response = await fetch(`${String(url)}/api/v1/workflow-runs`);
      const { items = [] } = (await response.json()) as { items?: { runId: string }[] };
      return items.map(({ runId }) => runId).sort();
    };
    expect(await runIds()).toEqual([...first.runIds].sort());
    await first.stop();
    const second = await serve(runCount, first.port);
    await eventually(async () => (await runIds()).join() === [...second.runIds].sort().join());
  },
);

test('what the limits drop while a running api stands still leaves no run behind of which it knows no end', async () => {
  const server = await startEmbeddedNats({ storeDir: folder() });
  closers.push(() => server.stop());
  const logger = createLogger({ service: 'test', level: 'silent' });
  const connection = await openConnection({ url: server.url, name: 'test', logger });
  closers.push(() => connection.close());
  await provision(connection, {
    streams: streamDeclarations({ replicas: 1, eventsMaxAgeMs: 0, eventsMaxBytes: 30_000 }),
    consumers: [],
  });
  const publisher = createPublisher(connection);
  closers.push(() => publisher.close());
  const orchestrator = new InMemoryOrchestrator();
  const publish = (from = 0): Promise<unknown> =>
    publisher.publishAll(orchestrator.stream.slice(from).map(({ subject, data }) => ({ subject, data })));
  const base = { workspace: 'default', actor: 'user:alice', issuedAt: 1 };
  const put = { ...base, commandId: 'put', type: 'put_workflow' as const, mode: 'put' as const };
  await orchestrator.send({ kind: 'catalog', command: { ...put, source: single() } });
  const start = async (runId: string): Promise<void> => {
    const command = { ...base, commandId: runId, type: 'start' as const, runId };
    await orchestrator.send({ kind: 'run', command: { ...command, workflowId: 'single', input: {} } });
  };
  await start('first');
  await publish();
  const { api, url } = await startApi(server.url);
  const statusOf = async (runId: string) =>
    (await fetch(`${String(url)}/api/v1/workflow-runs/${runId}`)).status;
  expect(await statusOf('first')).toBe(200);

  const { length } = orchestrator.stream;
  api.kill('SIGSTOP');
  for (let count = 0; (await readStreamFacts(connection, EVENTS)).firstSequence <= length + 2; count += 1) {
    const from = orchestrator.stream.length;
    await start(`later-${count}`);
    await publish(from);
  }
  api.kill('SIGCONT');
  await eventually(async () => (await statusOf('first')) === 404);
  await publisher.publishAll(
    orchestrator.stream.slice(0, length).map(({ subject, data }) => ({ subject, data })),
  );
  await eventually(async () => (await statusOf('first')) === 200);
});
