/** Runs the command line as its users do. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { World } from '@signalbox/testing';

const bin = fileURLToPath(new URL('../../bin/signalbox.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Against the world's api, as user:alice. Resolves with what it has printed when it has ended. */
export const signalbox = (world: World, ...args: readonly string[]): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, '--api', world.apiUrl, '--as', 'user:alice', ...args], {
      cwd: world.dataDir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
