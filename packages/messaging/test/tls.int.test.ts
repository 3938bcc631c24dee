import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedNatsOptions, startEmbeddedNats } from '@signalbox/embedded-nats';
import { createLogger } from '@signalbox/telemetry';
import { expect, onTestFinished, test } from 'vitest';
import { openConnection } from '../src/index.js';
import { logger, range, until } from './bus.js';

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-tls-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** A CA, and certificates that it has signed: one of localhost, and one of each of the other names. */
const certificates = (path: string, ...others: string[]) => {
  const at = (name: string) => join(path, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '1', '-subj', '/CN=ca', '-keyout', at('ca.key'), '-out', at('ca'));
  const read = (name: string) => readFileSync(at(name), 'utf8');
  const signed = (name: string) => {
    openssl('req', ...key, '-subj', '/CN=bus', '-keyout', at(`${name}.key`), '-out', at('request'));
    writeFileSync(at('names'), `subjectAltName=${name}`);
    const by = ['-CA', at('ca'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('names')];
    openssl('x509', '-req', '-days', '1', '-in', at('request'), ...by, '-out', at(`${name}.cert`));
    return { cert: at(`${name}.cert`), key: at(`${name}.key`), ca: at('ca') };
  };
  const own = signed('DNS:localhost');
  return {
    files: own,
    ofOthers: others.map(signed),
    ca: read('ca'),
    cert: readFileSync(own.cert, 'utf8'),
    key: readFileSync(own.key, 'utf8'),
  };
};
type Certificates = ReturnType<typeof certificates>;

/** The reason of a refusal is what it rejects with. */
const open = (url: string, tls: Pick<Certificates, 'ca'> & Partial<Certificates>) => {
  const { ca, cert, key } = tls;
  const abort = new AbortController();
  return openConnection({
    url,
    name: 'test',
    logger,
    tls: { ca, ...(cert === undefined || key === undefined ? {} : { cert, key }) },
    signal: abort.signal,
    // On a slow machine the client may give a handshake up before it is known why it fails.
    onWaiting: (_error, reason) => reason !== 'TimeoutError' && abort.abort(new Error(reason)),
  });
};

const start = async (tls: Certificates['files'], more: Partial<EmbeddedNatsOptions> = {}) => {
  const server = await startEmbeddedNats({ storeDir: folder(), tls, ...more });
  onTestFinished(() => server.stop());
  return server;
};

test('a process connects with the right CA and its own certificate, and refuses a server of another CA', async () => {
  const own = certificates(folder());
  const other = certificates(folder());
  const server = await start(own.files);
  const url = `tls://localhost:${server.port}`;
  const { ca, cert, key } = own;
  const connection = await open(url, own);
  expect(connection.status).toBe('connected');
  await connection.close();
  const refused: [tls: Parameters<typeof open>[1], reason: RegExp][] = [
    [{ ca: other.ca, cert, key }, /^(UNABLE_TO_VERIFY|SELF_SIGNED|CERT)/],
    // What the server has against the process's own.
    [{ ca }, /^ERR_SSL_.*CERTIFICATE/],
    [{ ca, cert: other.cert, key: other.key }, /^ERR_SSL_.*(CERTIFICATE|UNKNOWN_CA)/],
  ];
  await Promise.all(refused.map(([tls, reason]) => expect(open(url, tls)).rejects.toThrow(reason)));
});

test('a process whose server comes back with a certificate that it does not take says so', async () => {
  const own = certificates(folder());
  const other = certificates(folder());
  const first = await start(own.files);
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
  await start({ ...other.files, ca: own.files.ca }, { port: first.port });
  await until(() => expect(connection.lossReason).toMatch(/^UNABLE_TO_VERIFY|^SELF_SIGNED|^CERT/));
  expect(said.at(-1)).toMatchObject({
    msg: 'the TLS handshake with the bus fails',
    error: { code: connection.lossReason },
  });
});

const freePorts = async (count: number): Promise<number[]> => {
  const servers = range(count).map(() => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};

const otherName = 'ERR_TLS_CERT_ALTNAME_INVALID';

/** Of the server as it is reached by each of the addresses: the status, or why there is no connection. */
const reached = async (urls: readonly string[], own: Certificates): Promise<string[]> =>
  Promise.all(
    urls.map(async (url) => {
      try {
        const connection = await open(url, own);
        const { status } = connection;
        await connection.close();
        return status;
      } catch (error) {
        return (error as Error).message;
      }
    }),
  );

test('a server that is given by its IP address must have a certificate of that address: none of localhost or another name', async () => {
  const own = certificates(folder(), 'IP:127.0.0.1', 'IP:127.0.0.2', 'DNS:other');
  const [ofAddress, ofOtherAddress, ofOtherName] = own.ofOthers as [
    typeof own.files,
    typeof own.files,
    typeof own.files,
  ];
  const seen = [];
  for (const files of [own.files, ofAddress, ofOtherAddress, ofOtherName]) {
    const { port, stop } = await start(files);
    const urls = [`tls://127.0.0.1:${port}`, `tls://localhost:${port}`];
    seen.push(await reached(urls, own));
    await stop();
  }
  expect(seen).toEqual([
    [otherName, 'connected'],
    ['connected', otherName],
    [otherName, otherName],
    [otherName, otherName],
  ]);
});

test('among several addresses a server is checked against a name where it has one, else against the IP addresses', async () => {
  const own = certificates(folder(), 'IP:127.0.0.1', 'DNS:other');
  const [ofAddress, ofOther] = own.ofOthers as [typeof own.files, typeof own.files];
  const [byName, byAddress, other] = [await start(own.files), await start(ofAddress), await start(ofOther)];
  const urls = [
    `tls://localhost:${byName.port},tls://127.0.0.1:${byAddress.port}`,
    `tls://127.0.0.1:${byAddress.port},tls://localhost:${byName.port}`,
  ];
  expect(await reached(urls, own)).toEqual(['connected', 'connected']);
  // Two wrong ones: one has a certificate of the name that the other is given by.
  expect(await reached([`tls://127.0.0.1:${byName.port},tls://localhost:${other.port}`], own)).toEqual([
    otherName,
  ]);
});

test('a server that is given by an address of IPv6 must have a certificate of it, however it is written', async () => {
  const own = certificates(folder(), 'IP:::1');
  const [ofAddress] = own.ofOthers as [typeof own.files];
  const ports = [];
  for (const files of [ofAddress, own.files]) {
    const { port } = await start(files);
    // The servers of the tests listen on IPv4.
    const way = createServer((socket) => {
      const on = connect(port, '127.0.0.1');
      socket.pipe(on).pipe(socket);
      for (const each of [socket, on]) each.on('error', () => undefined);
    });
    await once(way.listen(0, '::1'), 'listening');
    onTestFinished(() => void way.close());
    ports.push((way.address() as AddressInfo).port);
  }
  const [right, wrong] = ports;
  const urls = [`tls://[::1]:${right}`, `tls://[0:0:0:0:0:0:0:1]:${right}`, `tls://[::1]:${wrong}`];
  expect(await reached(urls, own)).toEqual(['connected', 'connected', otherName]);
});

test('a member of the cluster that is heard of from another goes by the name of that one', async () => {
  const own = certificates(folder());
  const [portA = 0, portB = 0, monitoringA = 0, monitoringB = 0] = await freePorts(4);
  const of = { name: 'c', memberPorts: [portA, portB] };
  const [first] = await Promise.all([
    start(own.files, { cluster: { ...of, serverName: 'a', port: portA, monitoringPort: monitoringA } }),
    start(own.files, { cluster: { ...of, serverName: 'b', port: portB, monitoringPort: monitoringB } }),
  ]);
  await until(async () => {
    const answer = await fetch(`http://127.0.0.1:${monitoringA}/routez`);
    expect(await answer.json()).toMatchObject({ num_routes: 1 });
  });
  const connection = await open(`tls://localhost:${first.port}`, own);
  onTestFinished(() => connection.close());
  await first.stop();
  await until(() => connection.flush());
});
