/** The settings of the agent. The only place of this process that reads environment variables. */
import { hostname } from 'node:os';
import { type Environment, parseSettings, settings, streamSettings, streamsOf } from '@signalbox/service';

/** @throws SettingsError naming the settings that are wrong. */
export const parseConfig = (env: Environment) => {
  const { workerName, ...rest } = parseSettings(
    {
      natsUrl: settings.natsUrl,
      workspace: settings.workspace,
      workerConcurrency: settings.workerConcurrency,
      workerName: settings.workerName,
      logLevel: settings.logLevel,
      ...streamSettings,
    },
    env,
  );
  return {
    ...rest,
    streams: streamsOf(rest),
    workerName: workerName ?? `agent-${hostname()}-${process.pid}`,
  };
};
export type AgentConfig = ReturnType<typeof parseConfig>;

/** How the agent dials out. Its certificate and identity belong here, and nowhere else in this process. */
export const connectionOptions = (config: AgentConfig) => ({
  url: config.natsUrl,
  name: config.workerName,
});
