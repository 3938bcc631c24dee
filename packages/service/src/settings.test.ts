import { expect, test } from 'vitest';
import { parseSettings, SettingsError, settings } from './index.js';

test('every setting has its own name and a description, and a default that it takes itself', () => {
  const all = Object.values(settings);
  expect(new Set(all.map(({ env }) => env)).size).toBe(all.length);
  for (const { env, description } of all) {
    expect(env).toMatch(/^SIGNALBOX_[A-Z_]+$/);
    expect(description).not.toBe('');
  }
  expect(parseSettings(settings, {})).toEqual({
    natsEmbedded: true,
    natsUrl: 'nats://127.0.0.1:4222',
    dataDir: '.signalbox',
    apiHost: '127.0.0.1',
    apiPort: 7420,
    workspace: 'default',
    workerConcurrency: 16,
    maxRunEvents: 100_000,
    maxStateVisits: 1_000,
    maxFamilyRuns: 10_000,
    streamReplicas: 1,
    eventsMaxAgeSeconds: 0,
    eventsMaxBytes: -1,
    apiStreamHeartbeatMs: 15_000,
    apiMaxStreams: 2_000,
    apiConfirmationTimeoutMs: 10_000,
    logLevel: 'info',
  });
});

test('values come from the environment, and an empty one counts as absent', () => {
  const { natsEmbedded, apiPort, database, dataDir } = settings;
  const env = {
    SIGNALBOX_NATS_EMBEDDED: 'false',
    SIGNALBOX_API_PORT: '0',
    SIGNALBOX_DATABASE: '/var/lib/o.db',
    SIGNALBOX_DATA_DIR: '',
  };
  expect(parseSettings({ natsEmbedded, apiPort, database, dataDir }, env)).toEqual({
    natsEmbedded: false,
    apiPort: 0,
    database: '/var/lib/o.db',
    dataDir: '.signalbox',
  });
});

test('nats-server may be a cluster of several addresses; each has to be one', () => {
  const { natsUrl } = settings;
  const parse = (text: string) => parseSettings({ natsUrl }, { SIGNALBOX_NATS_URL: text });
  expect(parse('nats://10.0.0.1:4222,tls://10.0.0.2:4222').natsUrl).toContain('tls://10.0.0.2');
  for (const bad of ['nats://a:4222,', 'nats://a:4222,http://b', 'nats://a:4222 nats://b:4222'])
    expect(() => parse(bad)).toThrow('SIGNALBOX_NATS_URL');
});

test('all bad settings are named at once', () => {
  const env = {
    SIGNALBOX_API_PORT: '70000',
    SIGNALBOX_NATS_URL: 'http://x',
    SIGNALBOX_WORKSPACE: 'a.b',
    SIGNALBOX_WORKER_CONCURRENCY: '2.5',
    SIGNALBOX_LOG_LEVEL: 'loud',
  };
  const parse = () => parseSettings(settings, env);
  expect(parse).toThrow(SettingsError);
  for (const name of Object.keys(env)) expect(parse).toThrow(name);
});

test('events are kept for ever, or at least for as long as the stream knows their ids', () => {
  const { eventsMaxAgeSeconds } = settings;
  const parse = (text: string) =>
    parseSettings({ eventsMaxAgeSeconds }, { SIGNALBOX_EVENTS_MAX_AGE_SECONDS: text });
  expect(['0', '120'].map((text) => parse(text).eventsMaxAgeSeconds)).toEqual([0, 120]);
  expect(() => parse('119')).toThrow(/SIGNALBOX_EVENTS_MAX_AGE_SECONDS.*120 or more/);
});
