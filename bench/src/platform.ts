/** The real processes, with the no-op worker in place of the step-worker, on a nats-server and a folder of their own. */
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { issueLogins, startEmbeddedNats } from '@signalbox/embedded-nats';
import { busUsersFor } from '@signalbox/protocol';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

const programs = {
  orchestrator: path('../../apps/orchestrator/dist/main.js'),
  'approval-service': path('../../apps/approval-service/dist/main.js'),
  api: path('../../apps/api/dist/main.js'),
  worker: path('./noop-worker.js'),
} as const;

/** Which user of nats-server each is; the driver, without a password, may do everything. */
const userOf = (name: ProgramName): string => (name === 'worker' ? 'step-worker' : name);
const driver = 'driver';

export type ProgramName = keyof typeof programs;

export interface BenchPlatform {
  readonly natsUrl: string;
  /** CPU seconds (user and system) that each process has used so far, the server's included. */
  cpuSeconds(): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

export interface PlatformOptions {
  readonly without: readonly ProgramName[];
  /** Passed to Node before the program, for profiling. */
  readonly execArgv: readonly string[];
}

export const startBenchPlatform = async (options: PlatformOptions): Promise<BenchPlatform> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
  const logins = issueLogins([{ name: driver }, ...busUsersFor([])]);
  const nats = await startEmbeddedNats({ storeDir: join(dataDir, 'nats'), logins, anonymous: driver });
  const env = {
    ...process.env,
    SIGNALBOX_NATS_URL: nats.url,
    SIGNALBOX_DATA_DIR: dataDir,
    SIGNALBOX_API_PORT: '0',
    SIGNALBOX_LOG_LEVEL: 'warn',
    SIGNALBOX_WORKER_CONCURRENCY: '256',
  };
  const loginOf = (name: ProgramName) => ({
    SIGNALBOX_NATS_USER: userOf(name),
    SIGNALBOX_NATS_PASSWORD: logins.find((login) => login.name === userOf(name))?.password,
  });
  const names = (Object.keys(programs) as ProgramName[]).filter((name) => !options.without.includes(name));
  const children = names.map((name) => startProgram(name, { ...env, ...loginOf(name) }, options.execArgv));
  await Promise.all(children.map((child) => child.ready));
  return {
    natsUrl: nats.url,
    cpuSeconds: async () => {
      const pids: [string, number][] = [
        ...children.map(({ name, pid }): [string, number] => [name, pid]),
        ['nats-server', nats.pid],
      ];
      return Object.fromEntries(
        await Promise.all(pids.map(async ([name, pid]) => [name, await cpuSecondsOf(pid)])),
      );
    },
    stop: async () => {
      for (const child of children) await child.stop();
      await nats.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

const startProgram = (name: ProgramName, env: NodeJS.ProcessEnv, execArgv: readonly string[]) => {
  const child = fork(programs[name], [], {
    env,
    execArgv: [...execArgv],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it was ready`)));
  });
  return {
    name,
    pid: child.pid ?? 0,
    ready,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
};

/** From the kernel's accounting (Linux only): utime and stime in ticks of 10 ms. Zero elsewhere. */
const cpuSecondsOf = async (pid: number): Promise<number> => {
  const { readFile } = await import('node:fs/promises');
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
};
