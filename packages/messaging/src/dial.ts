/** Owns the way to a server that lets this process in, and why there is none. */
import { errors, type NatsConnection } from '@nats-io/nats-core';
import { connect, credsAuthenticator, type NodeConnectionOptions } from '@nats-io/transport-node';
import type { ConnectionOptions } from './connection.js';
import { pause } from './pause.js';
import { serverIdentityCheck } from './server-identity.js';
import { findTlsRefusal, type TlsFiles } from './tls-refusal.js';

const dialTimeoutMs = 5_000;
const minDialDelayMs = 100;
const maxDialDelayMs = 2_000;
/** A handshake is looked at when it takes longer than this, and so often while there is no connection. */
const handshakeMs = { first: 1_000, again: 30_000 } as const;

/** In a word that quotes nobody: the code of an error, or its name. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
};

export const dialUntilAnswered = async (options: ConnectionOptions): Promise<NatsConnection> => {
  let told: string | undefined;
  const tell = (error: unknown): void => {
    const reason = reasonOf(error);
    if (reason === told) return;
    told = reason;
    options.logger.info('waiting for the bus', { url: options.url, error });
    options.onWaiting?.(error, reason);
  };
  for (let delayMs = minDialDelayMs; ; delayMs = Math.min(delayMs * 2, maxDialDelayMs)) {
    options.signal?.throwIfAborted();
    const endWatching = watchHandshake(options, tell);
    try {
      return await dial(options);
    } catch (error) {
      // Of a handshake that fails the client knows only that it took too long.
      if (told === undefined || !(error instanceof errors.TimeoutError)) tell(error);
    } finally {
      endWatching();
    }
    await pause(delayMs, options.signal);
  }
};

const dial = (options: ConnectionOptions): Promise<NatsConnection> =>
  connect({
    servers: options.url.split(','),
    name: options.name,
    ...identity(options),
    timeout: dialTimeoutMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: 20_000,
    // A server whose accounts are being changed refuses for a while; waiting is better than ending.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  });

/** Tells why the TLS handshake fails, while it does. Returns the way to end that. */
export const watchHandshake = (
  { url, tls }: Pick<ConnectionOptions, 'url' | 'tls'>,
  tell: (refusal: Error) => void,
): (() => void) => {
  if (tls === undefined) return () => undefined;
  let isOver = false;
  const look = async (): Promise<void> => {
    const refusal = await findTlsRefusal(url, tls);
    if (isOver) return;
    if (refusal !== undefined) tell(refusal);
    timer = setTimeout(look, handshakeMs.again).unref();
  };
  let timer = setTimeout(look, handshakeMs.first).unref();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
};

const identity = ({
  url,
  login,
  credentials,
  tls,
  inboxPrefix,
}: ConnectionOptions): Partial<NodeConnectionOptions> => ({
  ...(login === undefined ? {} : { user: login.user, pass: login.password }),
  ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(credentials) }),
  ...(tls === undefined ? {} : { tls: handshake(url, tls) }),
  ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
});

/** The client library hands all of it to Node, also what it does not have among its own options. */
const handshake = (url: string, tls: TlsFiles) => ({
  ...tls,
  checkServerIdentity: serverIdentityCheck(url),
});
