import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  type EmbeddedNats,
  findNatsServer,
  NatsServerNotFoundError,
  NatsServerStartError,
  startEmbeddedNats,
} from '../src/index.js';

let folder: string;
const servers: EmbeddedNats[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'embedded-nats-'));
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: { port?: number; maxPayload?: number; log?: (line: string) => void } = {}) {
  const server = await startEmbeddedNats({ storeDir: folder, ...options });
  servers.push(server);
  return server;
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function greeting(port: number): Promise<Record<string, unknown>> {
  const socket = connect(port, '127.0.0.1');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return JSON.parse(chunk.toString().slice('INFO '.length)) as Record<string, unknown>;
}

test('a started server answers with JetStream on the loopback interface and passes its log on', async () => {
  const lines: string[] = [];
  const server = await start({ maxPayload: 2_000_000, log: (line) => lines.push(line) });
  expect(await greeting(server.port)).toMatchObject({ jetstream: true, max_payload: 2_000_000 });
  expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
  await vi.waitFor(() => expect(lines.join('\n')).toContain('Listening for client connections on 127.0.0.1'));
});

test('stop ends the server in order and may be called again', async () => {
  const lines: string[] = [];
  const server = await start({ log: (line) => lines.push(line) });
  await server.stop();
  await server.stop();
  expect(isAlive(server.pid)).toBe(false);
  expect(await server.exited).toMatchObject({ isExpected: true });
  expect(lines.join('\n')).toContain('JetStream Shutdown');
});

test('a killed server is reported, and starts again on the same store and port', async () => {
  const first = await start();
  process.kill(first.pid, 'SIGKILL');
  expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL', isExpected: false });
  const second = await start({ port: first.port });
  expect(second.port).toBe(first.port);
  expect(await greeting(second.port)).toMatchObject({ jetstream: true });
});

test('a parent killed with -9 leaves no server behind', async () => {
  const parent = spawn(process.execPath, [join(import.meta.dirname, 'parent.mjs'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(chunk.toString());
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000 });
});

/** The shell between this process and the server. */
const guardOf = async (pid: number): Promise<number> =>
  Number(/^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);

test.runIf(process.platform === 'linux')('a server whose guard alone is killed is ended', async () => {
  const server = await start();
  process.kill(await guardOf(server.pid), 'SIGKILL');
  expect(await server.exited).toMatchObject({ isExpected: false });
  await vi.waitFor(() => expect(isAlive(server.pid)).toBe(false), { timeout: 20_000 });
});

test('a port that is taken is a start error with what the server said, and leaves no process', async () => {
  const first = await start();
  const storeDir = join(folder, 'second');
  await expect(startEmbeddedNats({ storeDir, port: first.port })).rejects.toThrow(NatsServerStartError);
  await expect(startEmbeddedNats({ storeDir, port: first.port })).rejects.toThrow(/address already in use/);
});

test('a file in the place of the store, or a folder in that of what is written there, is a start error that names it', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  const store = join(folder, 'store');
  await mkdir(join(store, 'nats-server.conf'), { recursive: true });
  for (const [storeDir, path] of [
    [file, file],
    [store, join(store, 'nats-server.conf')],
  ] as const) {
    const started = startEmbeddedNats({ storeDir });
    await expect(started).rejects.toThrow(NatsServerStartError);
    await expect(started).rejects.toThrow(path);
  }
});

test('a server that is absent or too old is refused with what to install', async () => {
  await expect(findNatsServer(join(folder, 'absent'))).rejects.toThrow(NatsServerNotFoundError);
  const old = join(folder, 'old');
  await writeFile(old, '#!/bin/sh\necho nats-server: v2.8.4\n');
  await chmod(old, 0o755);
  await expect(findNatsServer(old)).rejects.toThrow(/2\.8\.4.*2\.9\.0 or newer.*apt-get install/s);
  await writeFile(old, '#!/bin/sh\necho nats-server: v2.10.1\n');
  expect(await findNatsServer(old)).toEqual({ path: old, version: '2.10.1' });
});
