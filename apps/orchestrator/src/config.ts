/** The settings of this process. The environment is read here and nowhere else. */
import { join } from 'node:path';
import type { RunLimits } from '@signalbox/engine';
import type { StreamSettings } from '@signalbox/protocol';
import { type Environment, parseSettings, settings, streamSettings, streamsOf } from '@signalbox/service';
import type { LogLevel } from '@signalbox/telemetry';

const shape = {
  natsUrl: settings.natsUrl,
  dataDir: settings.dataDir,
  database: settings.database,
  logLevel: settings.logLevel,
  maxRunEvents: settings.maxRunEvents,
  maxStateVisits: settings.maxStateVisits,
  ...streamSettings,
} as const;

export interface Config {
  readonly natsUrl: string;
  readonly dataDir: string;
  readonly databaseFile: string;
  readonly logLevel: LogLevel;
  readonly runLimits: RunLimits;
  readonly streams: StreamSettings;
}

/** @throws SettingsError that names every bad setting. */
export const parseConfig = (env: Environment): Config => {
  const parsed = parseSettings(shape, env);
  return {
    natsUrl: parsed.natsUrl,
    dataDir: parsed.dataDir,
    databaseFile: parsed.database ?? join(parsed.dataDir, 'orchestrator.sqlite'),
    logLevel: parsed.logLevel,
    runLimits: { maxEvents: parsed.maxRunEvents, maxStateVisits: parsed.maxStateVisits },
    streams: streamsOf(parsed),
  };
};
