/**
 * Finds out why a TLS handshake with a server fails. In TLS 1.3 a server judges the certificate of its client when that
 * takes itself for connected: the client library then waits for the end of its time, and never says why.
 */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ServerAddress, serverAddresses, serverIdentityCheck, serverNameOf } from './server-identity.js';

export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** For each step: the server's greeting, the handshake, its judgement. */
const stepMs = 2_000;

/** Undefined where the handshake succeeds, or does not come so far. */
export const findTlsRefusal = async (url: string, tls: TlsFiles): Promise<Error | undefined> => {
  for (const address of serverAddresses(url)) {
    const refusal = await refusalOf(address, url, tls);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
};

const refusalOf = async (
  { host, port }: ServerAddress,
  url: string,
  tls: TlsFiles,
): Promise<Error | undefined> => {
  const plain = connectPlain({ host, port });
  const greeting = await firstOf(plain, 'data');
  plain.removeAllListeners();
  if (greeting !== 'data') {
    plain.destroy();
    return undefined;
  }
  const secure = connectTls({
    ...tls,
    socket: plain,
    servername: serverNameOf(host),
    checkServerIdentity: serverIdentityCheck(url),
  });
  const shaken = await firstOf(secure, 'secureConnect');
  const judged = shaken === 'secureConnect' ? await firstOf(secure, 'data') : shaken;
  secure.on('error', () => undefined).destroy();
  return judged instanceof Error ? judged : undefined;
};

/** What comes first: the event, an error, or neither in time. */
const firstOf = (socket: Socket, event: string): Promise<Error | string | undefined> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, stepMs, undefined);
    const end = (found: Error | string | undefined): void => {
      clearTimeout(timer);
      resolve(found);
    };
    socket.once(event, () => end(event));
    socket.once('error', end);
    socket.once('close', () => end(undefined));
  });
