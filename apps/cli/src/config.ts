/** The only place of the CLI that reads environment variables. */
import { busAccessOf, busSettings, type Environment, parseSettings, settings } from '@signalbox/service';

export const loadConfig = (env: Environment) => {
  const parsed = parseSettings(
    {
      natsEmbedded: settings.natsEmbedded,
      ...busSettings,
      natsServer: settings.natsServer,
      dataDir: settings.dataDir,
      apiHost: settings.apiHost,
      apiPort: settings.apiPort,
      workspace: settings.workspace,
    },
    env,
  );
  return { ...parsed, bus: busAccessOf(parsed) };
};

export type CliConfig = ReturnType<typeof loadConfig>;
