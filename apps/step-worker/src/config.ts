/** The settings of the step worker. The only place of this process that reads environment variables. */
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
    workerName: workerName ?? `step-worker-${hostname()}-${process.pid}`,
  };
};
