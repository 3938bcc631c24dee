import { Command } from 'commander';
import { createApiClient } from '../api-client.js';
import { contextOf } from '../context.js';
import { CliError, exitCodes } from '../exit-code.js';
import { untilInterrupted } from '../interruption.js';
import { startPlatform } from '../platform/platform.js';
import { preferredPort } from '../platform/preferred-port.js';
import { syncEnvironment } from '../sync.js';
import { onReaderGone, printOut } from '../terminal.js';

const dev = async (options: { sync?: string }, command: Command): Promise<void> => {
  const { config, output, actor } = contextOf(command);
  onReaderGone({ isService: true });
  const interrupted = untilInterrupted();
  const say = (source: string, line: string): void => printOut(`${source.padEnd(16)} | ${line}\n`);
  const platform = await startPlatform({
    config,
    env: process.env,
    dataDir: config.dataDir,
    natsUrl: config.natsEmbedded ? undefined : config.natsUrl,
    natsPort: config.natsEmbedded ? await preferredPort(config.natsUrl) : undefined,
    onLine: say,
  });
  try {
    if (options.sync !== undefined) {
      const { synced, leftAlone } = await syncEnvironment(
        createApiClient(platform.apiUrl, actor),
        options.sync,
      );
      for (const line of leftAlone) say('dev', line);
      say('dev', `put ${synced.length} files of ${options.sync} into the platform`);
    }
    output.note(
      `\nThe platform is up: api ${platform.apiUrl}, NATS ${platform.natsUrl}, data in ${config.dataDir}. Ctrl-C stops it in order.\n`,
    );
    const failure = await Promise.race([interrupted.then(() => undefined), platform.failed]);
    if (failure !== undefined) throw new CliError(failure, exitCodes.internal);
  } finally {
    await platform.stop();
  }
};

export const devCommand = (): Command =>
  new Command('dev')
    .description('run the whole platform here: nats-server and every service as a process of its own')
    .option('--sync <folder>', 'put this environment into the platform once it is up')
    .action(dev);
