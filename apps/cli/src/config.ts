/** The only place of the CLI that reads environment variables. */
import { type Environment, parseSettings, settings } from '@signalbox/service';

export const loadConfig = (env: Environment) =>
  parseSettings(
    {
      natsEmbedded: settings.natsEmbedded,
      natsUrl: settings.natsUrl,
      natsServer: settings.natsServer,
      dataDir: settings.dataDir,
      apiHost: settings.apiHost,
      apiPort: settings.apiPort,
      workspace: settings.workspace,
    },
    env,
  );

export type CliConfig = ReturnType<typeof loadConfig>;
