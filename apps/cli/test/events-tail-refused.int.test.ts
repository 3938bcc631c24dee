/** `signalbox events tail` before a nats-server that does not let it in: it names the reason, and what to see to. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueLogins, startEmbeddedNats } from '@signalbox/embedded-nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cliScript } from './support/stores.js';

type Server = Awaited<ReturnType<typeof startEmbeddedNats>>;

let root: string;
let withUsers: Server;
let withTls: Server;

const at = (...parts: string[]): string => join(root, ...parts);

/** A CA, and a certificate of localhost that it has signed, in files that begin with the name. */
const certify = async (name: string): Promise<void> => {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: root });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const file = (end: string) => `${name}.${end}`;
  const own = ['-subj', '/CN=ca', '-keyout', file('ca-key'), '-out', file('ca')];
  openssl('req', '-x509', ...key, '-days', '1', ...own);
  openssl('req', ...key, '-subj', '/CN=bus', '-keyout', file('key'), '-out', file('request'));
  await writeFile(at('names'), 'subjectAltName=DNS:localhost');
  const signed = ['-CA', file('ca'), '-CAkey', file('ca-key'), '-CAcreateserial', '-extfile', 'names'];
  openssl('x509', '-req', '-days', '1', '-in', file('request'), ...signed, '-out', file('cert'));
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'signalbox-tail-'));
  await Promise.all(['own', 'other'].map(certify));
  withUsers = await startEmbeddedNats({ storeDir: at('users'), logins: issueLogins([{ name: 'somebody' }]) });
  const tls = { cert: at('own.cert'), key: at('own.key'), ca: at('own.ca') };
  withTls = await startEmbeddedNats({ storeDir: at('tls'), tls });
});
afterAll(async () => {
  await withTls?.stop();
  await withUsers?.stop();
  await rm(root, { recursive: true, force: true });
});

const tail = (env: Readonly<Record<string, string>>) =>
  new Promise<{ code: unknown; stderr: string }>((resolve) => {
    const settings = { ...process.env, SIGNALBOX_DATA_DIR: root, ...env };
    execFile(process.execPath, [cliScript, 'events', 'tail'], { env: settings }, (error, _, stderr) =>
      resolve({ code: error?.code ?? 0, stderr }),
    );
  });

const password = { SIGNALBOX_NATS_USER: 'somebody', SIGNALBOX_NATS_PASSWORD: 'wrong' };
const files = (ca: string, cert?: string) => ({
  SIGNALBOX_NATS_TLS_CA: at(`${ca}.ca`),
  ...(cert === undefined
    ? {}
    : { SIGNALBOX_NATS_TLS_CERT: at(`${cert}.cert`), SIGNALBOX_NATS_TLS_KEY: at(`${cert}.key`) }),
});
const unknown = /does not know the user or password of this command \(AuthorizationError\)/;
const unverified = /TLS handshake .* fails \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/;
const refused = /TLS handshake .* fails \(ERR_SSL_\w+\)/;

type Given = () => readonly [server: Server, env: Readonly<Record<string, string>>];

test.each<readonly [what: string, given: Given, reason: RegExp]>([
  ['a wrong password', () => [withUsers, password], unknown],
  ['no user', () => [withUsers, {}], unknown],
  ['TLS where there is none', () => [withUsers, files('own')], /fails \(server does not support 'tls'\)/],
  ['no TLS where it is needed', () => [withTls, {}], unverified],
  ['a wrong CA', () => [withTls, files('other', 'own')], unverified],
  ['no certificate of its own', () => [withTls, files('own')], refused],
  ['a certificate of another CA', () => [withTls, files('own', 'other')], refused],
])('events tail with %s names the reason', async (_, given, reason) => {
  const [server, env] = given();
  const { code, stderr } = await tail({ SIGNALBOX_NATS_URL: `nats://localhost:${server.port}`, ...env });
  expect(stderr).toMatch(reason);
  expect(stderr).toContain('SIGNALBOX_NATS_');
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(code).toBe(1);
});
