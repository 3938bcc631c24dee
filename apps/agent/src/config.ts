/** The settings of the agent. The only place of this process that reads environment variables. */
import { hostname } from 'node:os';
import { busUsers } from '@signalbox/protocol';
import { busAccessOf, busSettings, type Environment, parseSettings, settings } from '@signalbox/service';

/** @throws SettingsError naming the settings that are wrong. */
export const parseConfig = (env: Environment) => {
  const { workerName, ...rest } = parseSettings(
    {
      ...busSettings,
      workspace: settings.workspace,
      workerConcurrency: settings.workerConcurrency,
      workerName: settings.workerName,
      logLevel: settings.logLevel,
    },
    env,
  );
  return {
    ...rest,
    bus: busAccessOf(rest),
    workerName: workerName ?? `agent-${hostname()}-${process.pid}`,
  };
};
export type AgentConfig = ReturnType<typeof parseConfig>;

/** How the agent dials out. Its certificate and identity belong here, and nowhere else in this process. */
export const connectionOptions = (config: AgentConfig) => {
  const { inboxPrefix, apiPrefix } = busUsers.agent(config.workspace);
  return { ...config.bus, inboxPrefix, apiPrefix, name: config.workerName };
};
