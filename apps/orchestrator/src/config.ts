/** The settings of this process. The environment is read here and nowhere else. */
import { join } from 'node:path';
import type { RunLimits } from '@signalbox/engine';
import type { StreamSettings } from '@signalbox/protocol';
import {
  type BusAccess,
  busAccessOf,
  busSettings,
  type Environment,
  parseSettings,
  settings,
  streamSettings,
  streamsOf,
} from '@signalbox/service';
import type { LogLevel } from '@signalbox/telemetry';

const shape = {
  ...busSettings,
  workspace: settings.workspace,
  dataDir: settings.dataDir,
  database: settings.database,
  logLevel: settings.logLevel,
  maxRunEvents: settings.maxRunEvents,
  maxStateVisits: settings.maxStateVisits,
  maxFamilyRuns: settings.maxFamilyRuns,
  ...streamSettings,
} as const;

export interface Config {
  readonly dataDir: string;
  readonly bus: BusAccess;
  /** Its agent's consumer is there from the start. */
  readonly workspace: string;
  readonly databaseFile: string;
  readonly logLevel: LogLevel;
  readonly runLimits: RunLimits;
  readonly streams: StreamSettings;
}

/** @throws SettingsError that names every bad setting. */
export const parseConfig = (env: Environment): Config => {
  const parsed = parseSettings(shape, env);
  return {
    dataDir: parsed.dataDir,
    bus: busAccessOf(parsed),
    workspace: parsed.workspace,
    databaseFile: parsed.database ?? join(parsed.dataDir, 'orchestrator.sqlite'),
    logLevel: parsed.logLevel,
    runLimits: {
      maxEvents: parsed.maxRunEvents,
      maxStateVisits: parsed.maxStateVisits,
      maxFamilyRuns: parsed.maxFamilyRuns,
    },
    streams: streamsOf(parsed),
  };
};
