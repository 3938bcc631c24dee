/** The settings of the approval service. The only place of this process that reads environment variables. */
import { type Environment, parseSettings, settings } from '@signalbox/service';

/** @throws SettingsError naming the settings that are wrong. */
export const parseConfig = (env: Environment) =>
  parseSettings(
    { natsUrl: settings.natsUrl, workspace: settings.workspace, logLevel: settings.logLevel },
    env,
  );
