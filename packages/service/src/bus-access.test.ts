import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { busAccessOf, busSettings, type Environment, parseSettings } from './index.js';

const access = (env: Environment) => busAccessOf(parseSettings(busSettings, env));

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-access-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
};

const fileWith = (text: string): string => {
  const path = join(folder(), 'file');
  writeFileSync(path, text);
  return path;
};

/** A certificate and its key. */
const pair = () => {
  const [cert, key] = ['cert', 'key'].map((name) => join(folder(), name)) as [string, string];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const args = ['req', '-x509', ...curve, '-days', '1', '-subj', '/CN=x', '-keyout', key, '-out', cert];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { cert, key };
};

test('user and password, or credentials and certificates out of files, are what a process proves itself with', () => {
  const url = 'nats://127.0.0.1:4222';
  expect(access({})).toEqual({ url });
  expect(access({ SIGNALBOX_NATS_USER: 'api', SIGNALBOX_NATS_PASSWORD: 'secret' })).toEqual({
    url,
    login: { user: 'api', password: 'secret' },
  });
  const { cert, key } = pair();
  const files = access({
    SIGNALBOX_NATS_CREDS: fileWith('content'),
    SIGNALBOX_NATS_TLS_CA: cert,
    SIGNALBOX_NATS_TLS_CERT: cert,
    SIGNALBOX_NATS_TLS_KEY: key,
  });
  expect(new TextDecoder().decode(files.credentials)).toBe('content');
  const [certText, keyText] = [cert, key].map((path) => readFileSync(path, 'utf8'));
  expect(files.tls).toEqual({ ca: certText, cert: certText, key: keyText });
});

test('a file that holds no certificate, or another key, is a bad setting: no wait would mend it', () => {
  const [own, other] = [pair(), pair()];
  const plain = fileWith('worker-7');
  expect(() => access({ SIGNALBOX_NATS_TLS_CA: plain })).toThrow(
    `SIGNALBOX_NATS_TLS_CA=${plain}: is no certificate in PEM`,
  );
  expect(() => access({ SIGNALBOX_NATS_TLS_CERT: plain, SIGNALBOX_NATS_TLS_KEY: own.key })).toThrow(
    `SIGNALBOX_NATS_TLS_CERT=${plain}: is no certificate in PEM`,
  );
  for (const key of [other.key, plain])
    expect(() => access({ SIGNALBOX_NATS_TLS_CERT: own.cert, SIGNALBOX_NATS_TLS_KEY: key })).toThrow(
      `SIGNALBOX_NATS_TLS_KEY=${key}: is not the key of SIGNALBOX_NATS_TLS_CERT`,
    );
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
