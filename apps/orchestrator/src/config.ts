/** The settings of this process. The environment is read here and nowhere else. */
import { join } from 'node:path';
import type { StreamSettings } from '@signalbox/protocol';
import { type Environment, parseSettings, setting, settings, settingTypes } from '@signalbox/service';
import type { LogLevel } from '@signalbox/telemetry';

const { integer } = settingTypes;

const shape = {
  natsUrl: settings.natsUrl,
  dataDir: settings.dataDir,
  database: settings.database,
  logLevel: settings.logLevel,
  streamReplicas: setting(
    'SIGNALBOX_STREAM_REPLICAS',
    integer(1, 5),
    '1',
    'Copies of each stream in a cluster.',
  ),
  eventsMaxAgeSeconds: setting(
    'SIGNALBOX_EVENTS_MAX_AGE_SECONDS',
    integer(0, 1_000_000_000),
    '0',
    'How long events are kept in the stream; 0: for ever.',
  ),
  eventsMaxBytes: setting(
    'SIGNALBOX_EVENTS_MAX_BYTES',
    integer(-1, Number.MAX_SAFE_INTEGER),
    '-1',
    'Size at which the oldest events leave the stream; -1: never.',
  ),
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
    streams: {
      replicas: parsed.streamReplicas,
      eventsMaxAgeMs: parsed.eventsMaxAgeSeconds * 1000,
      eventsMaxBytes: parsed.eventsMaxBytes,
    },
  };
};
