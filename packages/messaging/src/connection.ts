/**
 * Owns the connection to the bus: it waits for a server that is not there yet and reconnects for ever.
 * What a disconnect means for requests under way is the affair of those who sent them; they listen here.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { createInbox, errors, type NatsConnection } from '@nats-io/nats-core';
import type { Logger } from '@signalbox/telemetry';
import { dialUntilAnswered, reasonOf, watchHandshake } from './dial.js';
import { isPassing, TransientError } from './errors.js';
import { LateAcks } from './late-acks.js';
import { createListen, type Listen } from './listening.js';
import { createSeldom, warnSeldom } from './seldom.js';
import { kindOf } from './subject-filter.js';

/**
 * Nobody answers a request while there is no leader, nor after there is one again: a request that waits for longer than
 * an election takes prolongs what it waits for.
 */
const requestTimeoutMs = 2_000;
/** Of what is more than one request, or waits for what was sent before it. */
const defaultDeadlineMs = 15_000;

const disturbanceMs = 1_000;
const homeApiPrefix = '$JS.API';

export type ConnectionStatus = 'connected' | 'reconnecting' | 'closed';

export interface ConnectionOptions {
  /** Such as `nats://127.0.0.1:4222`; several separated by commas. */
  url: string;
  login?: { readonly user: string; readonly password: string };
  /** The content of a credentials file. */
  credentials?: Uint8Array;
  /** In PEM; turns TLS on. */
  tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Answers come to subjects below it, which is all that the server lets this user read of them. Default `_INBOX`. */
  inboxPrefix?: string;
  /** Where JetStream is asked by a process that has a login or credentials, and so an account of its own. Default `$JS.API`, as without them. */
  apiPrefix?: string;
  /** Shown by the server's monitoring. */
  name: string;
  logger: Logger;
  /** Ends the wait for a server that is not there yet; `openConnection` then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Told that there is no server yet, and why, in a word; again where that becomes another reason. */
  onWaiting?: (error: unknown, reason: string) => void;
}

export interface Connection {
  readonly status: ConnectionStatus;
  /** Resolves when the connection is closed for good. */
  readonly closed: Promise<void>;
  /** Bytes of headers and data together, of the server last connected to. */
  readonly maxPayloadBytes: number;
  /** Why there is no connection, in a word, where somebody has said so. */
  readonly lossReason: string | undefined;
  /** Resolves when everything sent so far has reached the server; `TransientError` when the connection breaks meanwhile. */
  flush(): Promise<void>;
  /** Sends what is buffered, then closes. May be called again. */
  close(): Promise<void>;
}

/** What the other modules of this package need of a connection. */
export interface Link {
  /** Who subscribes there listens here. */
  readonly nats: Omit<NatsConnection, 'subscribe'>;
  readonly listen: Listen;
  readonly manager: JetStreamManager;
  /** Where JetStream is asked. */
  readonly apiPrefix: string;
  /** By stream: how many of its copies answer direct reads. Filled by those who have asked. */
  readonly directReads: Map<string, number>;
  /** Streams that were seen complete since the connection was last made: the server may be asked for their messages. */
  readonly readable: Set<string>;
  /** How often the connection has broken. */
  readonly breakCount: number;
  readonly acks: LateAcks;
  /** A subject of its own for answers, below which everything is the caller's. */
  newInbox(): string;
  /** Where it is there, a connection that came back is used when it has said yes. `isCurrent`: it has not broken again. */
  admit?: (isCurrent: () => boolean) => Promise<boolean>;
  /** `onDown` runs before the client library resubscribes. Returns the way to end the listening. */
  watch(listener: LinkListener): () => void;
  /** A leader fell silent: another one may know less than it did. Told to listeners once a second at most. */
  disturbed(): void;
}

export interface LinkListener {
  onDown?(): void;
  onUp?(): void;
  /** The connection is another one, or a cluster's leader may be: what the server says may be older than what it said. */
  onDisturbed?(): void;
  /** The server has refused what was published on the subject, and says so of each such message. */
  onForbidden?(subject: string): void;
}

const links = new WeakMap<Connection, Link>();

export function linkOf(connection: Connection): Link {
  const link = links.get(connection);
  if (link === undefined) throw new TypeError('not a connection made by openConnection');
  return link;
}

export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const nats = await dialUntilAnswered(options);
  const apiPrefix = apiPrefixOf(options);
  const manager = await jetstreamManager(nats, { apiPrefix, checkAPI: false, timeout: requestTimeoutMs });
  const listeners = new Set<LinkListener>();
  const seldom = createSeldom();
  let disturbedAt = Number.NEGATIVE_INFINITY;
  let status: ConnectionStatus = 'connected';
  let isLost = false;
  let lossReason: string | undefined;
  let endWatching: () => void = () => undefined;
  let breakCount = 0;
  let maxPayloadBytes = nats.info?.max_payload ?? 1_048_576;

  const onStatus = (type: string, error: Error | undefined) => {
    // The client says so of each try that the server refuses, too, and then as often that it is there again.
    if (type === 'disconnect' && !isLost) {
      isLost = true;
      status = 'reconnecting';
      breakCount += 1;
      link.readable.clear();
      link.acks.forget();
      options.logger.warn('connection to the bus lost');
      endWatching = watchHandshake(options, tellHandshake);
      for (const listener of [...listeners]) listener.onDown?.();
    } else if (type === 'reconnect' && isLost) {
      isLost = false;
      endWatching();
      if (link.admit === undefined) up();
      else void admitted(link.admit);
    } else if (type === 'error') {
      const refused = error instanceof errors.PermissionViolationError ? error : undefined;
      if (isRefusal(error)) lossReason = reasonOf(error);
      tellError(refused, error);
      if (refused?.operation !== 'publish') return;
      for (const listener of [...listeners]) listener.onForbidden?.(refused.subject);
    }
  };
  const tellError = (
    refused: InstanceType<typeof errors.PermissionViolationError> | undefined,
    error: Error | undefined,
  ) => {
    const { operation, subject } = refused ?? {};
    const what = refused === undefined ? error?.message : `${operation} ${kindOf(refused.subject)}`;
    warnSeldom(seldom, what ?? '', options.logger, 'the bus reported an error', {
      operation,
      subject,
      error,
    });
  };
  const tellHandshake = (error: Error) => {
    lossReason = reasonOf(error);
    options.logger.warn('the TLS handshake with the bus fails', { error });
  };
  const up = () => {
    status = 'connected';
    lossReason = undefined;
    maxPayloadBytes = nats.info?.max_payload ?? maxPayloadBytes;
    options.logger.info('connected to the bus again');
    for (const listener of [...listeners]) {
      listener.onUp?.();
      listener.onDisturbed?.();
    }
  };
  const admitted = async (admit: NonNullable<Link['admit']>) => {
    const current = breakCount;
    const isCurrent = () => current === breakCount && status === 'reconnecting';
    if ((await admit(isCurrent)) && isCurrent()) up();
  };
  void (async () => {
    for await (const event of nats.status())
      onStatus(event.type, event.type === 'error' ? event.error : undefined);
  })();
  const closed = nats.closed().then((reason) => {
    status = 'closed';
    endWatching();
    if (reason instanceof Error) options.logger.error('connection to the bus ended', { error: reason });
  });

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    link.acks.send();
    if (status === 'connected') await Promise.race([nats.drain().catch(() => nats.close()), closed]);
    else await nats.close();
    await closed;
  };
  const connection: Connection = {
    // While it sends what is buffered the client takes nothing more, and throws at who gives it something.
    get status() {
      return closing === undefined ? status : 'closed';
    },
    get maxPayloadBytes() {
      return maxPayloadBytes;
    },
    get lossReason() {
      return lossReason;
    },
    closed,
    flush: () => {
      link.acks.send();
      return attempt(connection, 'sending what is buffered', () => nats.flush());
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
  const link: Link = {
    nats,
    listen: createListen(nats, options.logger),
    manager,
    apiPrefix,
    directReads: new Map(),
    readable: new Set(),
    acks: new LateAcks(),
    get breakCount() {
      return breakCount;
    },
    newInbox: () => createInbox(options.inboxPrefix),
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    disturbed: () => {
      const now = performance.now();
      if (now - disturbedAt < disturbanceMs) return;
      disturbedAt = now;
      for (const listener of [...listeners]) listener.onDisturbed?.();
    },
  };
  links.set(connection, link);
  return connection;
}

/** Whether the server is a member of a cluster, in which streams may have several copies. */
export const isClustered = (connection: Connection): boolean =>
  linkOf(connection).nats.info?.cluster !== undefined;

/** Calls back whenever a connection that was lost is there again. Returns the way to end that. */
export function onDisconnect(connection: Connection, listener: () => void): () => void {
  return linkOf(connection).watch({ onDown: listener });
}

/** Whoever listens before a publisher is made is called before that repeats anything. */
export function onReconnect(connection: Connection, listener: () => void): () => void {
  return linkOf(connection).watch({ onUp: listener });
}

/** Calls back also when a leader of a cluster fell silent, and so another one may speak. */
export function onDisturbance(connection: Connection, listener: () => void): () => void {
  return linkOf(connection).watch({ onDisturbed: listener });
}

/**
 * Runs one request to the server; what may pass becomes a `TransientError` with its cause. A request is lost with
 * its connection, so it fails then and does not wait for its timeout. None waits for ever: a server that stands still
 * answers nothing and keeps its connections.
 */
export async function attempt<T>(
  connection: Connection,
  what: string,
  request: () => Promise<T>,
  deadlineMs = defaultDeadlineMs,
): Promise<T> {
  if (connection.status !== 'connected') throw new TransientError(`${what}: the connection is down`);
  let endWatching: () => unknown = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const broken = new Promise<never>((_resolve, reject) => {
    const onDown = () => reject(new TransientError(`${what}: the connection broke`));
    endWatching = linkOf(connection).watch({ onDown });
    const late = () => reject(new TransientError(`${what}: no answer in ${deadlineMs} ms`));
    // What came while this process stood still has not been read yet when the time is up.
    timer = setTimeout(() => setImmediate(late), deadlineMs);
  });
  try {
    return await Promise.race([request(), broken]);
  } catch (cause) {
    if (cause instanceof TransientError || !isPassing(cause)) throw cause;
    throw new TransientError(`${what} did not succeed`, { cause });
  } finally {
    endWatching();
    clearTimeout(timer);
  }
}

/** The server ends the connection with it. */
const isRefusal = (error: unknown): boolean =>
  error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError;

/** A server without users has one account for all, with the streams in it. */
const apiPrefixOf = ({ login, credentials, apiPrefix = homeApiPrefix }: ConnectionOptions): string =>
  login === undefined && credentials === undefined ? homeApiPrefix : apiPrefix;
