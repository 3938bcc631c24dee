/** What the processes say when the disk, a file or another process is in their way: one line, the right code, no run blamed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  eventually,
  type ServiceName,
  type SpawnedProcess,
  spawnProcess,
  startTestBus,
  startWorld,
  type World,
} from '@signalbox/testing';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';

let world: World;

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'api']);
  await world.call('POST', '/api/v1/workflows', {
    id: 'waits',
    version: '1',
    name: 'waits',
    start: 'wait',
    states: [{ name: 'wait', type: 'signal', signal: 'go', timeoutSeconds: 600, end: true }],
  });
  await world.call('POST', '/api/v1/workflow-runs', { workflow: 'waits', input: {}, runId: 'innocent' });
});
afterAll(() => world?.stop());

const spawnAgain = (name: ServiceName, env: Readonly<Record<string, string>> = {}): SpawnedProcess => {
  const process = spawnProcess({
    script: fileURLToPath(new URL(`../../${name}/dist/main.js`, import.meta.url)),
    env: {
      SIGNALBOX_NATS_URL: world.natsUrl,
      SIGNALBOX_DATA_DIR: world.dataDir,
      SIGNALBOX_API_PORT: '0',
      SIGNALBOX_LOG_LEVEL: 'error',
      ...env,
    },
  });
  process.ready.catch(() => undefined);
  return process;
};

/** The one line that an operator reads, without a stack. */
const lastWordOf = async (process: SpawnedProcess): Promise<{ code: number | null; said: string }> => {
  const { code } = await process.exited;
  expect(process.lines).toHaveLength(1);
  expect(process.lines[0]).not.toContain('stack');
  return { code, said: (JSON.parse(process.lines[0] ?? '{}') as { msg: string }).msg };
};

test('a start that waits says for what, in every process', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const nobody = `nats://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const bare = await startTestBus({ topology: { streams: [], consumers: [] } });
  const waits: readonly (readonly [name: ServiceName, url: string, what: string])[] = [
    ['orchestrator', nobody, 'nats-server'],
    ['step-worker', nobody, 'nats-server'],
    ['agent', nobody, 'nats-server'],
    ['approval-service', bare.url, 'what the log says of approvals and teams'],
    ['api', bare.url, 'what the log held at the start'],
  ];
  const waiting = waits.map(([name, url, what], index) => {
    const SIGNALBOX_DATA_DIR = join(world.dataDir, 'waiting', String(index));
    const env = { SIGNALBOX_NATS_URL: url, SIGNALBOX_DATA_DIR, SIGNALBOX_LOG_LEVEL: 'info' };
    return { what, process: spawnAgain(name, env) };
  });
  try {
    for (const { what, process } of waiting)
      await eventually(() => process.lines.some((line) => line.includes(`still waiting for ${what} (`)), {
        timeoutMs: 60_000,
        describe: () => process.lines.join('\n'),
      });
  } finally {
    for (const { process } of waiting) process.kill('SIGKILL');
    await Promise.all(waiting.map(({ process }) => process.exited));
    await bare.stop();
    silent.close();
  }
});

test('a second api on one read model ends with 75 and says why', async () => {
  const { code, said } = await lastWordOf(spawnAgain('api'));
  expect(code).toBe(75);
  expect(said).toMatch(/^another api has the read model .*api\.sqlite; end that one first$/);
});

/** Under a limit to the size of a file, which is to a process what a full disk is. */
const spawnWithLimit = (name: ServiceName, bytes: number) => {
  const main = fileURLToPath(new URL(`../../${name}/dist/main.js`, import.meta.url));
  const blocks = Math.ceil(bytes / 512);
  const child = spawn(
    'sh',
    ['-c', `trap '' XFSZ; ulimit -f ${blocks}; exec "${process.execPath}" "${main}"`],
    {
      env: { ...process.env, SIGNALBOX_NATS_URL: world.natsUrl, SIGNALBOX_DATA_DIR: world.dataDir },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output: () => output };
};

test('a disk that is full ends the orchestrator with 75 and one line, and blames no run', async () => {
  const file = join(world.dataDir, 'orchestrator.sqlite');
  await world.stopOne('orchestrator');
  const limited = spawnWithLimit('orchestrator', statSync(file).size + 100_000);
  const input = { text: 'x'.repeat(20_000) };
  await Promise.all(
    Array.from({ length: 30 }, () =>
      world.call('POST', '/api/v1/workflow-runs', { workflow: 'waits', input }).catch(() => undefined),
    ),
  );
  expect(await limited.code).toBe(75);
  expect(limited.output()).toMatch(
    /orchestrator\.sqlite cannot be (written, the disk is full|read or written) \(SQLITE_/,
  );
  await world.start('orchestrator');
  const db = new Database(file, { readonly: true });
  expect(db.prepare('SELECT count(*) FROM run_crashes').pluck().get()).toBe(0);
  db.close();
  await eventually(
    async () => {
      const runs = await world.call<{ items: unknown[] }>('GET', '/api/v1/workflow-runs?limit=200');
      return runs.items.length === 31;
    },
    { timeoutMs: 60_000, describe: 'every run that was asked for is there once the disk has room' },
  );
}, 120_000);

test('an api whose writes nats-server refuses is not ready, and says what helps', async () => {
  rmSync(join(world.dataDir, 'nats'), { recursive: true });
  const input = { text: 'x'.repeat(400_000) };
  const isRefused = () =>
    world.call('POST', '/api/v1/workflow-runs', { workflow: 'waits', input }).then(
      () => false,
      () => true,
    );
  // What it has open it fills first.
  await eventually(isRefused, { timeoutMs: 60_000 });
  const ready = await fetch(`${world.apiUrl}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([
    503,
    expect.stringMatching(
      /majority of the servers .*nats-users\.md.*make room and restart it .*disk-full\.md/,
    ),
  ]);
});

test('a damaged page ends the api with 78 and says what to do', async () => {
  const file = join(world.dataDir, 'api.sqlite');
  await world.stopOne('api');
  const { size } = statSync(file);
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(size - 100, 0x5a), 0, size - 100, 100);
  closeSync(handle);
  const { code, said } = await lastWordOf(spawnAgain('api'));
  expect(code).toBe(78);
  expect(said).toMatch(/api\.sqlite is damaged \(SQLITE_[A-Z_]+\): delete it/);
});
