import type { PeerCertificate } from 'node:tls';
import { expect, test } from 'vitest';
import { serverAddresses, serverIdentityCheck } from './server-identity.js';

const certificate = (...names: string[]) =>
  ({ subject: { CN: 'bus' }, subjectaltname: names.join(', ') }) as unknown as PeerCertificate;

/** As Node asks: `localhost` where no name was given to the handshake. */
const accepts = (url: string, servername: string, ...names: string[]): boolean =>
  serverIdentityCheck(url).call({ servername }, servername || 'localhost', certificate(...names)) ===
  undefined;

test('a server that is dialled by name is checked against that name, whatever else is given', () => {
  const url = 'nats://n1:4222,nats://localhost,nats://10.0.0.1';
  expect(accepts(url, 'n1', 'DNS:n1')).toBe(true);
  expect(accepts(url, 'n1', 'DNS:localhost', 'IP Address:10.0.0.1')).toBe(false);
  expect(accepts(url, 'localhost', 'DNS:localhost')).toBe(true);
});

test('a server that is dialled by its address must bear an IP address that is given, and no name will do', () => {
  const url = 'nats://localhost,nats://10.0.0.1:4222,10.0.0.2';
  expect(accepts(url, '', 'IP Address:10.0.0.1')).toBe(true);
  expect(accepts(url, '', 'DNS:x', 'IP Address:10.0.0.2')).toBe(true);
  expect(accepts(url, '', 'DNS:localhost', 'IP Address:10.0.0.3')).toBe(false);
});

test('a member that is heard of later, and so has no name, must be one of the names that are given', () => {
  expect(accepts('nats://n1,nats://n2', '', 'DNS:n2')).toBe(true);
  expect(accepts('nats://n1,nats://n2', '', 'DNS:localhost')).toBe(false);
});

test('an address of IPv6 is the same however it is written', () => {
  expect(accepts('tls://[FD00:0:0::1]:4222', '', 'IP Address:FD00:0:0:0:0:0:0:1')).toBe(true);
  expect(accepts('tls://[fd00::1]', '', 'IP Address:FD00:0:0:0:0:0:0:2')).toBe(false);
  expect(accepts('tls://[::ffff:10.0.0.1]:4222', '', 'IP Address:10.0.0.1')).toBe(true);
});

test('where Node does not say under which name it asks, localhost is none', () => {
  const check = serverIdentityCheck('nats://10.0.0.1,nats://n1');
  expect(check.call(undefined, 'localhost', certificate('DNS:localhost'))).toBeInstanceOf(Error);
  expect(check.call(undefined, 'n1', certificate('DNS:n1'))).toBeUndefined();
});

test('addresses are read with and without scheme, port and spaces', () => {
  expect(serverAddresses('nats://n1:80, N2 ,tls://user:word@[::1]:4223')).toEqual([
    { host: 'n1', port: 80 },
    { host: 'n2', port: 4222 },
    { host: '::1', port: 4223 },
  ]);
});
