import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedNats } from '@signalbox/embedded-nats';
import { createLogger } from '@signalbox/telemetry';
import { expect, onTestFinished, test } from 'vitest';
import { openConnection } from '../src/index.js';
import { logger, until } from './bus.js';

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-tls-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** A CA, and a certificate of localhost that it has signed. */
const certificates = (path: string) => {
  const at = (name: string) => join(path, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '1', '-subj', '/CN=ca', '-keyout', at('ca.key'), '-out', at('ca'));
  openssl('req', ...key, '-subj', '/CN=bus', '-keyout', at('key'), '-out', at('request'));
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost');
  const signed = ['-CA', at('ca'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('names')];
  openssl('x509', '-req', '-days', '1', '-in', at('request'), ...signed, '-out', at('cert'));
  const read = (name: string) => readFileSync(at(name), 'utf8');
  return { path: at, ca: read('ca'), cert: read('cert'), key: read('key') };
};

test('a process connects with the right CA and its own certificate, and refuses a server of another CA', async () => {
  const own = certificates(folder());
  const other = certificates(folder());
  const server = await startEmbeddedNats({
    storeDir: folder(),
    tls: { cert: own.path('cert'), key: own.path('key'), ca: own.path('ca') },
  });
  onTestFinished(() => server.stop());
  const open = (tls: object) => {
    const abort = new AbortController();
    return openConnection({
      // A certificate is checked against a name: the client knows none for an address.
      url: `tls://localhost:${server.port}`,
      name: 'test',
      logger,
      tls,
      signal: abort.signal,
      // On a slow machine the client may give a handshake up before it is known why it fails.
      onWaiting: (_error, reason) => reason !== 'TimeoutError' && abort.abort(new Error(reason)),
    });
  };
  const { ca, cert, key } = own;
  const connection = await open({ ca, cert, key });
  expect(connection.status).toBe('connected');
  await connection.close();
  const refused: [tls: object, reason: RegExp][] = [
    [{ ca: other.ca, cert, key }, /^(UNABLE_TO_VERIFY|SELF_SIGNED|CERT)/],
    // What the server has against the process's own.
    [{ ca }, /^ERR_SSL_.*CERTIFICATE/],
    [{ ca, cert: other.cert, key: other.key }, /^ERR_SSL_.*(CERTIFICATE|UNKNOWN_CA)/],
  ];
  await Promise.all(refused.map(([tls, reason]) => expect(open(tls)).rejects.toThrow(reason)));
});

test('a process whose server comes back with a certificate that it does not take says so', async () => {
  const own = certificates(folder());
  const other = certificates(folder());
  const start = ({ path }: typeof own, port?: number) =>
    startEmbeddedNats({
      storeDir: folder(),
      tls: { cert: path('cert'), key: path('key'), ca: own.path('ca') },
      ...(port === undefined ? {} : { port }),
    });
  const first = await start(own);
  const { ca, cert, key } = own;
  const said: { msg: string; error?: { code?: string } }[] = [];
  const connection = await openConnection({
    url: `tls://localhost:${first.port}`,
    name: 'test',
    logger: createLogger({ service: 'test', level: 'warn', write: (line) => said.push(JSON.parse(line)) }),
    tls: { ca, cert, key },
  });
  onTestFinished(() => connection.close());
  await first.stop();
  const second = await start(other, first.port);
  onTestFinished(() => second.stop());
  await until(() => expect(connection.lossReason).toMatch(/^UNABLE_TO_VERIFY|^SELF_SIGNED|^CERT/));
  expect(said.at(-1)).toMatchObject({
    msg: 'the TLS handshake with the bus fails',
    error: { code: connection.lossReason },
  });
});
