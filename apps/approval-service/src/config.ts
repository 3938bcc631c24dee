/** The settings of the approval service. The only place of this process that reads environment variables. */
import { busAccessOf, busSettings, type Environment, parseSettings, settings } from '@signalbox/service';

/** @throws SettingsError naming the settings that are wrong. */
export const parseConfig = (env: Environment) => {
  const { workspace, logLevel } = settings;
  const parsed = parseSettings({ ...busSettings, workspace, logLevel }, env);
  return { ...parsed, bus: busAccessOf(parsed) };
};
