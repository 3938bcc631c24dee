/** `signalbox rebuild`: the orchestrator's database from the log. The work is done by the orchestrator's own program. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { contextOf } from '../context.js';
import { CliError, type ExitCode, exitCodes } from '../exit-code.js';

const script = fileURLToPath(new URL('../../../orchestrator/dist/rebuild.js', import.meta.url));

const rebuild = async (options: { force?: boolean }, command: Command): Promise<void> => {
  const { config } = contextOf(command);
  const dataDir = resolve(config.dataDir);
  const natsStore = join(dataDir, 'nats');
  const ownNats = ['--nats-store', natsStore];
  if (config.natsServer !== undefined) ownNats.push('--nats-server', config.natsServer);
  // Where nobody has ever run a nats-server on this folder, the log is that of the settings.
  const hasOwnNats = config.natsEmbedded && existsSync(natsStore);
  const child = fork(
    script,
    [...(options.force === true ? ['--force'] : []), ...(hasOwnNats ? ownNats : [])],
    { env: { ...process.env, SIGNALBOX_DATA_DIR: dataDir } },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  // It has said why.
  if (code !== exitCodes.ok) throw new CliError('nothing was rebuilt', exitCodeOf(code));
};

const exitCodeOf = (code: number | null): ExitCode =>
  Object.values(exitCodes).find((known) => known === code) ?? exitCodes.internal;

export const rebuildCommand = (): Command =>
  new Command('rebuild')
    .description("make the orchestrator's database from the log; the orchestrator must not be running")
    .option('--force', 'move a database that holds something aside')
    .action(rebuild);
