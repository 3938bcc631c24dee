/**
 * The whole platform as real processes on a folder of its own, each of which a test may kill and start again.
 * Ports and the store stay the same over restarts, as they would in production.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EmbeddedNats, startEmbeddedNats } from '@signalbox/embedded-nats';
import { eventually, type SpawnedProcess, spawnProcess } from '@signalbox/testing';

export type ServiceName = 'orchestrator' | 'step-worker' | 'agent' | 'approval-service' | 'api';

const scriptOf = (name: ServiceName): string =>
  fileURLToPath(new URL(`../../../${name}/dist/main.js`, import.meta.url));

export interface World {
  readonly dataDir: string;
  readonly natsUrl: string;
  readonly apiUrl: string;
  /** Starts a service under a label of its own (default: its name) and waits until it is ready. */
  start(name: ServiceName, label?: string, env?: Readonly<Record<string, string>>): Promise<SpawnedProcess>;
  processOf(label: string): SpawnedProcess;
  /** kill -9, then wait until it is gone. */
  kill(label: string): Promise<void>;
  /** SIGTERM, then its exit. */
  stopOne(label: string): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  killNats(): Promise<void>;
  restartNats(): Promise<void>;
  /** An HTTP call to the api that must succeed. */
  call<T = unknown>(method: string, path: string, body?: unknown, actor?: string): Promise<T>;
  logsOf(label: string): string;
  stop(): Promise<void>;
}

interface Running {
  readonly process: SpawnedProcess;
  readonly name: ServiceName;
}

export const startWorld = async (services: readonly ServiceName[]): Promise<World> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-world-'));
  const storeDir = join(dataDir, 'nats');
  let nats: EmbeddedNats = await startEmbeddedNats({ storeDir });
  const { port, url: natsUrl } = nats;
  const running = new Map<string, Running>();
  let apiPort = '0';

  const start: World['start'] = async (name, label = name, env = {}) => {
    const process = spawnProcess({
      script: scriptOf(name),
      env: {
        SIGNALBOX_NATS_URL: natsUrl,
        SIGNALBOX_DATA_DIR: dataDir,
        SIGNALBOX_LOG_LEVEL: 'info',
        SIGNALBOX_API_PORT: apiPort,
        ...env,
      },
    });
    running.set(label, { process, name });
    const announced = await process.ready;
    if (name === 'api') apiPort = new URL(String(announced.url)).port;
    return process;
  };

  const processOf = (label: string): SpawnedProcess => {
    const found = running.get(label);
    if (found === undefined) throw new Error(`no process ${label} was started`);
    return found.process;
  };

  const apiUrl = (): string => `http://127.0.0.1:${apiPort}`;

  await Promise.all(services.map((name) => start(name)));
  if (services.includes('api')) {
    await eventually(async () => (await fetch(`${apiUrl()}/readyz`)).ok, { describe: 'the api is ready' });
  }

  return {
    dataDir,
    natsUrl,
    get apiUrl() {
      return apiUrl();
    },
    start,
    processOf,
    kill: async (label) => {
      processOf(label).kill('SIGKILL');
      await processOf(label).exited;
    },
    stopOne: (label) => {
      processOf(label).kill('SIGTERM');
      return processOf(label).exited;
    },
    killNats: async () => {
      process.kill(nats.pid, 'SIGKILL');
      await nats.exited;
    },
    restartNats: async () => {
      nats = await startEmbeddedNats({ storeDir, port });
    },
    call: (method, path, body, actor = 'user:alice') => call(apiUrl(), method, path, body, actor),
    logsOf: (label) => processOf(label).lines.join('\n'),
    stop: async () => {
      const order: readonly ServiceName[] = [
        'api',
        'approval-service',
        'agent',
        'step-worker',
        'orchestrator',
      ];
      for (const name of order) {
        const ofName = [...running.values()].filter((each) => each.name === name);
        await Promise.all(ofName.map(({ process }) => ended(process)));
      }
      await nats.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

const ended = async (process: SpawnedProcess): Promise<void> => {
  process.kill('SIGTERM');
  await process.exited;
};

const call = async <T>(
  url: string,
  method: string,
  path: string,
  body: unknown,
  actor: string,
): Promise<T> => {
  const isText = typeof body === 'string';
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      'x-signalbox-actor': actor,
      ...(body === undefined ? {} : { 'content-type': isText ? 'application/yaml' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
};
