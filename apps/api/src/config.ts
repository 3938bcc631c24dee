/** The settings of the api. The only place of this process that reads environment variables. */
import { join } from 'node:path';
import {
  busAccessOf,
  busSettings,
  type Environment,
  parseSettings,
  SettingsError,
  settings,
} from '@signalbox/service';
import { isLoopbackHost } from './http/loopback.js';

const shape = {
  ...busSettings,
  dataDir: settings.dataDir,
  apiDatabase: settings.apiDatabase,
  apiHost: settings.apiHost,
  apiPort: settings.apiPort,
  workspace: settings.workspace,
  logLevel: settings.logLevel,
  streamHeartbeatMs: settings.apiStreamHeartbeatMs,
  maxStreamCount: settings.apiMaxStreams,
  confirmationTimeoutMs: settings.apiConfirmationTimeoutMs,
} as const;

/** @throws SettingsError naming the setting. */
export const parseConfig = (env: Environment) => {
  const parsed = parseSettings(shape, env);
  if (!isLoopbackHost(parsed.apiHost)) {
    throw new SettingsError([
      `${settings.apiHost.env}=${parsed.apiHost}: is not a loopback address; the api has no authentication yet, ` +
        'so it listens on 127.0.0.1, ::1 or localhost only',
    ]);
  }
  return {
    ...parsed,
    apiDatabase: parsed.apiDatabase ?? join(parsed.dataDir, 'api.sqlite'),
    bus: busAccessOf(parsed),
  };
};
export type ApiConfig = ReturnType<typeof parseConfig>;
