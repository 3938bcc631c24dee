/** The settings of the api. The only place of this process that reads environment variables. */
import { join } from 'node:path';
import {
  type Environment,
  parseSettings,
  SettingsError,
  setting,
  settingTypes,
  settings as shared,
} from '@signalbox/service';
import { isLoopbackHost } from './http/loopback.js';

const durationMs = settingTypes.integer(1, 3_600_000);

export const apiSettings = {
  natsUrl: shared.natsUrl,
  dataDir: shared.dataDir,
  apiDatabase: shared.apiDatabase,
  apiHost: shared.apiHost,
  apiPort: shared.apiPort,
  workspace: shared.workspace,
  logLevel: shared.logLevel,
  streamHeartbeatMs: setting(
    'SIGNALBOX_API_STREAM_HEARTBEAT_MS',
    durationMs,
    '15000',
    'Milliseconds between the heartbeat comments of an event stream over HTTP.',
  ),
  confirmationTimeoutMs: setting(
    'SIGNALBOX_API_CONFIRMATION_TIMEOUT_MS',
    durationMs,
    '10000',
    'Milliseconds for which a write waits for the event that it causes, before it is answered with 202.',
  ),
} as const;

/** @throws SettingsError naming the setting. */
export const parseConfig = (env: Environment) => {
  const parsed = parseSettings(apiSettings, env);
  if (!isLoopbackHost(parsed.apiHost)) {
    throw new SettingsError([
      `${shared.apiHost.env}=${parsed.apiHost}: is not a loopback address; the api has no authentication yet, ` +
        'so it listens on 127.0.0.1, ::1 or localhost only',
    ]);
  }
  return { ...parsed, apiDatabase: parsed.apiDatabase ?? join(parsed.dataDir, 'api.db') };
};
export type ApiConfig = ReturnType<typeof parseConfig>;
