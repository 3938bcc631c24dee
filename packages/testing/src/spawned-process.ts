/** Owns a real service process in a test: started as users start it, watched by its log and its `ready` message. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface SpawnOptions {
  /** Path of the script, such as `apps/api/dist/main.js`. */
  script: string;
  args?: readonly string[];
  /** Added to the test's own environment. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface SpawnedProcess {
  readonly pid: number;
  /** Resolves with the `ready` message; rejects, with the last lines, when the process ends before. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  /** Resolves when the process has ended and all its lines have been read. */
  readonly exited: Promise<ProcessEnd>;
  /** Of standard output and standard error, so far. */
  readonly lines: readonly string[];
  kill(signal?: NodeJS.Signals): void;
  /** Ends the IPC channel, as the death of the parent does. */
  disconnect(): void;
}

/** The process shuts itself down when the test's process dies. */
export function spawnProcess(options: SpawnOptions): SpawnedProcess {
  const child = spawn(process.execPath, [options.script, ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  if (child.pid === undefined || child.stdout === null || child.stderr === null) {
    throw new Error(`${options.script} could not be started`);
  }
  const lines: string[] = [];
  const read = [child.stdout, child.stderr].map((stream) => {
    const reader = createInterface(stream).on('line', (line) => lines.push(line));
    return once(reader, 'close');
  });
  // Not `close`, which Node does not emit once the parent has disconnected.
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  const exited = Promise.all([ended, ...read]).then(([end]) => end);
  const ready = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    child.on('message', (message) => {
      if (isReady(message)) resolve(message);
    });
    void exited.then(({ code, signal }) => {
      const tail = lines.slice(-20).join('\n');
      reject(new Error(`${options.script} ended (${signal ?? code}) before it was ready:\n${tail}`));
    });
  });
  // A test that does not wait for readiness must not fail because of it.
  ready.catch(() => undefined);
  return {
    pid: child.pid,
    ready,
    exited,
    lines,
    kill: (signal = 'SIGTERM') => void child.kill(signal),
    disconnect: () => child.disconnect(),
  };
}

function isReady(message: unknown): message is Readonly<Record<string, unknown>> {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
}
