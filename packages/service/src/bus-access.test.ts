import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { busAccessOf, busSettings, type Environment, parseSettings } from './index.js';

const access = (env: Environment) => busAccessOf(parseSettings(busSettings, env));

const fileWith = (text: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-access-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, text);
  return path;
};

test('user and password, or credentials and certificates out of files, are what a process proves itself with', () => {
  const url = 'nats://127.0.0.1:4222';
  expect(access({})).toEqual({ url });
  expect(access({ SIGNALBOX_NATS_USER: 'api', SIGNALBOX_NATS_PASSWORD: 'secret' })).toEqual({
    url,
    login: { user: 'api', password: 'secret' },
  });
  const path = fileWith('content');
  const files = access({
    SIGNALBOX_NATS_CREDS: path,
    SIGNALBOX_NATS_TLS_CA: path,
    SIGNALBOX_NATS_TLS_CERT: path,
    SIGNALBOX_NATS_TLS_KEY: path,
  });
  expect(new TextDecoder().decode(files.credentials)).toBe('content');
  expect(files.tls).toEqual({ ca: 'content', cert: 'content', key: 'content' });
});

test.each([
  [{ SIGNALBOX_NATS_USER: 'api' }, 'SIGNALBOX_NATS_PASSWORD: is needed with SIGNALBOX_NATS_USER'],
  [{ SIGNALBOX_NATS_PASSWORD: 'hidden' }, 'SIGNALBOX_NATS_USER: is needed with SIGNALBOX_NATS_PASSWORD'],
  [{ SIGNALBOX_NATS_TLS_KEY: '/k' }, 'SIGNALBOX_NATS_TLS_CERT: is needed with SIGNALBOX_NATS_TLS_KEY'],
  [
    { SIGNALBOX_NATS_TLS_CA: '/does/not/exist' },
    'SIGNALBOX_NATS_TLS_CA=/does/not/exist: cannot be read (ENOENT)',
  ],
  [
    { SIGNALBOX_NATS_USER: 'api', SIGNALBOX_NATS_PASSWORD: 'hidden', SIGNALBOX_NATS_CREDS: '/' },
    'SIGNALBOX_NATS_CREDS: cannot be given together with SIGNALBOX_NATS_USER',
  ],
])('settings that contradict or cannot be read are named, and no secret is: %o', (env, problem) => {
  const attempt = (): unknown => access(env);
  expect(attempt).toThrow(problem);
  expect(attempt).not.toThrow('hidden');
});
