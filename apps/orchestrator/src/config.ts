/** The settings of this process. The environment is read here and nowhere else. */
import { join } from 'node:path';
import type { StreamSettings } from '@signalbox/protocol';
import { type Environment, parseSettings, settings, streamSettings, streamsOf } from '@signalbox/service';
import type { LogLevel } from '@signalbox/telemetry';

const shape = {
  natsUrl: settings.natsUrl,
  dataDir: settings.dataDir,
  database: settings.database,
  logLevel: settings.logLevel,
  ...streamSettings,
} as const;

export interface Config {
  readonly natsUrl: string;
  readonly databaseFile: string;
  readonly logLevel: LogLevel;
  readonly streams: StreamSettings;
}

/** @throws SettingsError that names every bad setting. */
export const parseConfig = (env: Environment): Config => {
  const parsed = parseSettings(shape, env);
  return {
    natsUrl: parsed.natsUrl,
    databaseFile: parsed.database ?? join(parsed.dataDir, 'orchestrator.sqlite'),
    logLevel: parsed.logLevel,
    streams: streamsOf(parsed),
  };
};
