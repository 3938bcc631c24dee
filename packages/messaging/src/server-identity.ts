/**
 * For which server a certificate must be. Where one is dialled by its address the client library names none, and Node
 * then asks for a certificate of `localhost`: one that any server may have.
 */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

export interface ServerAddress {
  /** As a certificate has it: without brackets, in the shortest form. */
  readonly host: string;
  readonly port: number;
}

const defaultPort = 4222;

/** Of addresses that commas separate. A host is read as the client library reads it. */
export const serverAddresses = (url: string): readonly ServerAddress[] =>
  url.split(',').map((each) => {
    const address = each.trim().replace(/^.*:\/\//, '');
    const { port } = new URL(`nats://${address}`);
    const host = new URL(`http://${address}`).hostname.replace(/^\[|\]$/g, '');
    return { host: plainIp(host), port: port === '' ? defaultPort : Number(port) };
  });

/** An IPv4 address that is written as one of IPv6 (`::ffff:7f00:1`) is dialled as the former. */
const plainIp = (host: string): string => {
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (mapped === null) return host;
  const bytes = mapped.slice(1).flatMap((part) => {
    const number = Number.parseInt(part, 16);
    return [number >> 8, number & 0xff];
  });
  return bytes.join('.');
};

type CheckServerIdentity = (this: unknown, host: string, certificate: PeerCertificate) => Error | undefined;

/**
 * A server that was dialled by name is checked against that name. Of one without, the certificate must bear one of the
 * IP addresses of `url`; where that has names only, one of those: members of a cluster that are heard of later have none.
 */
export const serverIdentityCheck = (url: string): CheckServerIdentity => {
  const hosts = [...new Set(serverAddresses(url).map(({ host }) => host))];
  const ips = hosts.filter((host) => isIP(host) !== 0);
  const candidates = ips.length > 0 ? ips : hosts;
  return function (host, certificate) {
    if (!isUnnamed(this, host)) return checkServerIdentity(host, certificate);
    let refusal: Error | undefined;
    for (const each of candidates) {
      refusal = checkServerIdentity(each, certificate);
      if (refusal === undefined) return undefined;
    }
    return refusal;
  };
};

/** Node calls this as a method of the options of the handshake. Were that to change, `localhost` counts as no name. */
const isUnnamed = (options: unknown, host: string): boolean => {
  const { servername } = (options ?? {}) as { servername?: unknown };
  return typeof servername === 'string' ? servername === '' : host === 'localhost';
};

/** What `servername` of a handshake must be: an address is none. */
export const serverNameOf = (host: string): string => (isIP(host) === 0 ? host : '');
