import { SettingsError } from '@signalbox/service';
import { expect, test } from 'vitest';
import { parseConfig } from '../src/config.js';

test('the read model lies in the data folder unless its setting says where', () => {
  expect(parseConfig({ SIGNALBOX_DATA_DIR: 'data' }).apiDatabase).toBe('data/api.sqlite');
  expect(parseConfig({ SIGNALBOX_API_DATABASE: 'elsewhere.db' }).apiDatabase).toBe('elsewhere.db');
  expect(parseConfig({})).toMatchObject({ apiHost: '127.0.0.1', apiPort: 7420, streamHeartbeatMs: 15_000 });
});

test.each(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost'])('%s may be listened on', (host) => {
  expect(parseConfig({ SIGNALBOX_API_HOST: host }).apiHost).toBe(host);
});

test.each(['0.0.0.0', '::', '192.168.1.4', 'example.org', '127.0.0.1.example.org', '127.0.0.256'])(
  '%s is refused, as there is no authentication yet',
  (host) => {
    expect(() => parseConfig({ SIGNALBOX_API_HOST: host })).toThrow(SettingsError);
    expect(() => parseConfig({ SIGNALBOX_API_HOST: host })).toThrow('SIGNALBOX_API_HOST');
  },
);
