/**
 * One service as a child process. It holds an IPC channel to this process: when this one dies, however it dies,
 * the channel closes and the service shuts down in order.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CannotRun } from '@signalbox/service';
import { z } from 'zod';
import { CliError, exitCodes } from '../exit-code.js';
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

/** A service that said why it cannot run, and what to do: its last word, as JSON with an `exit_code`. */
const lastWord = z.object({ msg: z.string(), exit_code: z.union([z.literal(75), z.literal(78)]) });

/** The applications stand beside this one and are started by path: none imports another. */
const mainOf = (name: ServiceName): string =>
  fileURLToPath(new URL(`../../../${name}/dist/main.js`, import.meta.url));

export const startService = (
  name: ServiceName,
  env: NodeJS.ProcessEnv,
  onLine: (name: ServiceName, line: string) => void,
): ServiceProcess => {
  const child = fork(mainOf(name), [], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let reason: CannotRun | undefined;
  child.stdout?.on(
    'data',
    createLineSplitter((line) => {
      reason = reasonIn(line) ?? reason;
      onLine(name, line);
    }),
  );
  child.stderr?.on(
    'data',
    createLineSplitter((line) => onLine(name, line)),
  );
  const exited = new Promise<ServiceExit>((resolve) => {
    // When its output has been read, too.
    child.once('close', (code, signal) => resolve({ name, code, signal }));
  });
  return {
    name,
    ready: readiness(child, exited, () => reason),
    exited,
    stop: (graceMs) => stopChild(child, exited, graceMs),
  };
};

const reasonIn = (line: string): CannotRun | undefined => {
  if (!line.includes('"exit_code"')) return undefined;
  const said = lastWord.safeParse(JSON.parse(line));
  return said.success ? new CannotRun(said.data.exit_code, said.data.msg) : undefined;
};

const readiness = (
  child: ChildProcess,
  exited: Promise<ServiceExit>,
  reason: () => CannotRun | undefined,
): ServiceProcess['ready'] => {
  const ready = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    child.on('message', (message) => {
      if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready') {
        resolve(message as unknown as Readonly<Record<string, unknown>>);
      }
    });
    exited.then(({ name, code, signal }) =>
      reject(
        reason() ??
          new CliError(
            `${name} ended (${signal ?? `exit code ${code}`}) before it was ready; its log says why`,
            exitCodes.internal,
          ),
      ),
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
