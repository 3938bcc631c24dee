/** Programs that a trial starts beside the platform: the command line, and processes that are expected to refuse. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceName, World } from '@signalbox/testing';
import type { Stage } from './stage.js';

const thisRoot = fileURLToPath(new URL('../../', import.meta.url));
const cliTimeoutMs = 60_000;
const refusalMs = 20_000;

export interface CliEnd {
  readonly code: number;
  readonly text: string;
}

/** `signalbox …` on the platform of the trial. */
export const runCli = (world: World, root: string | undefined, args: readonly string[]): Promise<CliEnd> =>
  new Promise((resolve) => {
    const env = {
      ...process.env,
      SIGNALBOX_NATS_URL: world.natsUrl,
      SIGNALBOX_DATA_DIR: world.dataDir,
      SIGNALBOX_API_PORT: new URL(world.apiUrl).port,
    };
    const script = join(root ?? thisRoot, 'apps', 'cli', 'bin', 'signalbox.js');
    execFile(
      process.execPath,
      [script, ...args],
      { env, timeout: cliTimeoutMs, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code ?? 1);
        resolve({ code, text: `${stdout}${stderr}` });
      },
    );
  });

export interface RefusedStart {
  readonly code: number | null;
  readonly lastLine: string;
}

/** Starts a service that is expected to end by itself; undefined (and it is killed) when it does not. */
export const endOf = async (
  stage: Stage,
  name: ServiceName,
  label: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RefusedStart | undefined> => {
  const { world, options } = stage;
  const ready = world.start(name, label, env).catch(() => undefined);
  const { exited, lines, kill } = world.processOf(label);
  const timer = setTimeout(() => kill('SIGKILL'), refusalMs * options.patience);
  const first = await Promise.race([
    ready.then((started) => (started === undefined ? 'ended' : 'ready')),
    exited.then(() => 'ended'),
  ]);
  if (first === 'ready') await Promise.race([exited, ended(2_000)]);
  kill('SIGKILL');
  const { code, signal } = await exited;
  clearTimeout(timer);
  return signal === 'SIGKILL' ? undefined : { code, lastLine: lines.at(-1) ?? '' };
};

const ended = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
