/** The built process against a real nats-server; the test is the orchestrator. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedNats } from '@signalbox/embedded-nats';
import {
  eventually,
  type SpawnedProcess,
  spawnProcess,
  startTestBus,
  type TestBus,
} from '@signalbox/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startOrchestratorOnBus, topology } from './support/orchestrator-on-bus.js';
import { single, triage } from './support/workflows.js';

const script = join(import.meta.dirname, '../dist/main.js');
const runs = '/api/v1/workflow-runs';

let bus: TestBus;
let folder: string;
let side: ReturnType<typeof startOrchestratorOnBus>;
const processes: SpawnedProcess[] = [];

beforeAll(async () => {
  bus = await startTestBus({ topology });
  side = startOrchestratorOnBus(bus);
});
afterAll(async () => {
  await side.stop();
  await bus.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-api-'));
});
afterEach(async () => {
  for (const spawned of processes.splice(0)) {
    spawned.kill('SIGKILL');
    await spawned.exited;
  }
  rmSync(folder, { recursive: true, force: true });
});

const spawnApi = (env: Record<string, string> = {}): SpawnedProcess => {
  const spawned = spawnProcess({
    script,
    env: {
      SIGNALBOX_NATS_URL: bus.url,
      SIGNALBOX_DATA_DIR: folder,
      SIGNALBOX_API_PORT: '0',
      SIGNALBOX_WORKSPACE: 'default',
      ...env,
    },
  });
  processes.push(spawned);
  return spawned;
};

const urlOf = async (spawned: SpawnedProcess): Promise<string> => String((await spawned.ready).url);

const call = async (url: string, method: string, path: string, body?: unknown) => {
  const response = await fetch(url + path, {
    method,
    headers: {
      'x-signalbox-actor': 'user:alice',
      ...(body === undefined
        ? {}
        : { 'content-type': typeof body === 'string' ? 'text/yaml' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes, looked into by assertions only.
  return { status: response.status, body: (await response.json()) as any };
};

/** What a client can read of the runs given: what must not depend on how the read model came to be. */
const everythingOf = async (url: string, runIds: readonly string[]) => {
  const paths = [
    `${runs}?limit=200`,
    '/api/v1/workflows',
    '/api/v1/workflow-approvals?limit=200',
    '/api/v1/dead-letters',
    ...runIds.flatMap((runId) => [
      `${runs}/${runId}`,
      `${runs}/${runId}/events`,
      `${runs}/${runId}/approvals`,
    ]),
  ];
  const answers = await Promise.all(
    paths.map(async (path) => [path, (await call(url, 'GET', path)).body] as const),
  );
  return Object.fromEntries(answers);
};

describe('the api process', () => {
  test('takes a run from the definition to its end: its own writes are read back, and the stream follows', async () => {
    const url = await urlOf(spawnApi());
    expect((await call(url, 'PUT', '/api/v1/workflows/triage', triage)).status).toBeLessThan(300);
    const started = await call(url, 'POST', runs, {
      workflow: 'triage',
      input: { service: 'web', urgent: true },
    });
    expect([started.status, started.body.startedBy]).toEqual([201, 'user:alice']);
    const { runId } = started.body;
    const streaming = fetch(`${url}${runs}/${runId}/stream`).then((response) => response.text());
    side.orchestrator.doSteps(runId);
    const approval = await eventually(
      async () => (await call(url, 'GET', `${runs}/${runId}/approvals`)).body.items[0],
    );
    const approved = await call(url, 'POST', `${runs}/${runId}/approvals/${approval.approvalId}/approve`, {});
    expect([approved.status, approved.body.status]).toEqual([200, 'approved']);
    side.orchestrator.doSteps(runId);
    const text = await streaming;
    const sequences = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    expect(text).toContain('event: run.completed');
    expect((await call(url, 'GET', `${runs}/${runId}`)).body.status).toBe('COMPLETED');
  });

  test('gives the same answers after a kill -9, and after its database was deleted', async () => {
    const first = spawnApi();
    const url = await urlOf(first);
    await call(url, 'PUT', '/api/v1/workflows/triage', triage);
    await call(url, 'PUT', '/api/v1/workflows/single', single());
    const runIds: string[] = [];
    for (const urgent of [true, false, true]) {
      const started = await call(url, 'POST', runs, {
        workflow: 'triage',
        input: { service: 'web', urgent },
      });
      runIds.push(started.body.runId);
      side.orchestrator.doSteps(started.body.runId);
    }
    await bus.publisher.publish({ subject: 'wf.event.run.default.garbage', data: 'garbage' });
    await call(url, 'POST', `${runs}/${runIds[1]}/pause`);
    first.kill('SIGKILL');
    await first.exited;
    // What happens while it is away is not lost on it.
    for (const runId of runIds) side.orchestrator.doSteps(runId);
    await side.flush();

    const second = spawnApi();
    const resumed = await everythingOf(await urlOf(second), runIds);
    second.kill();
    expect(await second.exited).toEqual({ code: 0, signal: null });
    rmSync(join(folder, 'api.sqlite'));
    for (const suffix of ['-wal', '-shm']) rmSync(join(folder, `api.sqlite${suffix}`), { force: true });
    const rebuilt = await everythingOf(await urlOf(spawnApi()), runIds);
    expect(rebuilt).toEqual(resumed);
    expect(rebuilt[`${runs}/${runIds[0]}`].status).toBe('WAITING_APPROVAL');
    expect(rebuilt['/api/v1/dead-letters'].items).toHaveLength(1);
  });

  test('is not ready while nats-server keeps the connection and does not answer', async () => {
    const url = await urlOf(spawnApi());
    const status = async (): Promise<number> => (await call(url, 'GET', '/readyz')).status;
    await eventually(async () => (await status()) === 200);
    process.kill(bus.pid, 'SIGSTOP');
    try {
      await eventually(async () => (await status()) === 503, { intervalMs: 100 });
      expect((await call(url, 'GET', '/readyz')).body.detail).toContain('docs/operations/disk-full.md');
    } finally {
      process.kill(bus.pid, 'SIGCONT');
    }
    await eventually(async () => (await status()) === 200);
  });

  test('listens before nats-server is there, and is ready when it has come', async () => {
    await bus.kill();
    const spawned = spawnApi();
    const url = await eventually(() => {
      const line = spawned.lines.find((candidate) => candidate.includes('"msg":"listening"'));
      return line === undefined ? undefined : String((JSON.parse(line) as { url: string }).url);
    });
    expect((await call(url, 'GET', '/healthz')).status).toBe(200);
    const isSaid = async (reason: string) =>
      (await call(url, 'GET', '/readyz')).body.detail.startsWith(
        `There is no connection to nats-server (${reason})`,
      );
    await eventually(() => isSaid('ConnectionError'));
    expect((await call(url, 'GET', runs)).status).toBe(503);
    const other = await startEmbeddedNats({
      storeDir: join(folder, 'nats'),
      port: bus.port,
      settings: ['authorization { user: "api", password: "new" }'],
    });
    await eventually(() => isSaid('AuthorizationError'));
    await other.stop();
    await bus.restart();
    await spawned.ready;
    expect((await call(url, 'GET', '/readyz')).status).toBe(200);
    expect((await call(url, 'GET', runs)).status).toBe(200);
  });

  test('stopped with SIGTERM, ends its open streams with a comment and exits 0', async () => {
    const spawned = spawnApi();
    const url = await urlOf(spawned);
    await call(url, 'PUT', '/api/v1/workflows/single', single());
    const { runId } = (await call(url, 'POST', runs, { workflow: 'single' })).body;
    const response = await fetch(`${url}${runs}/${runId}/stream`);
    spawned.kill('SIGTERM');
    expect(await response.text()).toContain(': the server is stopping');
    expect(await spawned.exited).toEqual({ code: 0, signal: null });
  });

  test('refuses to listen on anything but loopback, and says why', async () => {
    const spawned = spawnApi({ SIGNALBOX_API_HOST: '0.0.0.0' });
    expect(await spawned.exited).toEqual({ code: 78, signal: null });
    expect(spawned.lines.join('\n')).toContain('SIGNALBOX_API_HOST');
    expect(spawned.lines.join('\n')).toContain('no authentication yet');
  });
});

test('a stream that is another one is read from its beginning', async () => {
  const url = await urlOf(spawnApi());
  const { items } = (await call(url, 'GET', `${runs}?limit=200`)).body;
  expect(items.length).toBeGreaterThan(0);
  const other = await startTestBus({ topology });
  try {
    const [first] = processes;
    first?.kill();
    await first?.exited;
    const again = await urlOf(spawnApi({ SIGNALBOX_NATS_URL: other.url }));
    expect((await call(again, 'GET', `${runs}?limit=200`)).body.items).toEqual([]);
  } finally {
    await other.stop();
  }
});
