/**
 * One service as a child process. It holds an IPC channel to this process: when this one dies, however it dies,
 * the channel closes and the service shuts down in order.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createLineSplitter } from './line-splitter.js';

export const serviceNames = ['orchestrator', 'step-worker', 'agent', 'approval-service', 'api'] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface ServiceExit {
  readonly name: ServiceName;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServiceProcess {
  readonly name: ServiceName;
  /** What the service said about itself when it became ready; rejects when it ends before. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  readonly exited: Promise<ServiceExit>;
  /** SIGTERM, then SIGKILL when the grace time is over. */
  stop(graceMs: number): Promise<ServiceExit>;
}

/** The applications stand beside this one and are started by path: none imports another. */
const mainOf = (name: ServiceName): string =>
  fileURLToPath(new URL(`../../../${name}/dist/main.js`, import.meta.url));

export const startService = (
  name: ServiceName,
  env: NodeJS.ProcessEnv,
  onLine: (name: ServiceName, line: string) => void,
): ServiceProcess => {
  const child = fork(mainOf(name), [], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  child.stdout?.on(
    'data',
    createLineSplitter((line) => onLine(name, line)),
  );
  child.stderr?.on(
    'data',
    createLineSplitter((line) => onLine(name, line)),
  );
  const exited = new Promise<ServiceExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ name, code, signal }));
  });
  return {
    name,
    ready: readiness(child, exited),
    exited,
    stop: (graceMs) => stopChild(child, exited, graceMs),
  };
};

const readiness = (child: ChildProcess, exited: Promise<ServiceExit>): ServiceProcess['ready'] => {
  const ready = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    child.on('message', (message) => {
      if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready') {
        resolve(message as unknown as Readonly<Record<string, unknown>>);
      }
    });
    exited.then(({ name, code, signal }) =>
      reject(new Error(`${name} ended (${signal ?? `exit code ${code}`}) before it was ready`)),
    );
  });
  // Whoever waits for it sees the failure; nobody waiting is no fault of the process.
  ready.catch(() => undefined);
  return ready;
};

const stopChild = async (
  child: ChildProcess,
  exited: Promise<ServiceExit>,
  graceMs: number,
): Promise<ServiceExit> => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await exited;
    clearTimeout(force);
  }
  return exited;
};
