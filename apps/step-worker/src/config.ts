/** The settings of the step worker. The only place of this process that reads environment variables. */
import { hostname } from 'node:os';
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
    workerName: workerName ?? `step-worker-${hostname()}-${process.pid}`,
  };
};
