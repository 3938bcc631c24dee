/** The settings of the approval service. The only place of this process that reads environment variables. */
import { type Environment, parseSettings, settings, streamSettings, streamsOf } from '@signalbox/service';

/** @throws SettingsError naming the settings that are wrong. */
export const parseConfig = (env: Environment) => {
  const { natsUrl, workspace, logLevel } = settings;
  const parsed = parseSettings({ natsUrl, workspace, logLevel, ...streamSettings }, env);
  return { ...parsed, streams: streamsOf(parsed) };
};
