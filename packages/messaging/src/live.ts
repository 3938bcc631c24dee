/**
 * Owns plain subscriptions: what is published while somebody listens, without a stream's memory. A publish into
 * a stream reaches plain subscribers too. Subscriptions live on over reconnects; what is said meanwhile is missed.
 */
import { type Connection, linkOf } from './connection.js';
import { type MessageHeaders, readHeaders } from './message-headers.js';

export interface LiveMessage {
  subject: string;
  headers: MessageHeaders;
  data: Uint8Array;
}

export interface LiveSubscription {
  /** Resolves when the server knows of the subscription. Never rejects: a connection that is down subscribes when it is back. */
  readonly ready: Promise<void>;
  close(): void;
}

export function subscribeLive(
  connection: Connection,
  subject: string,
  handler: (message: LiveMessage) => void,
): LiveSubscription {
  const { nats, listen } = linkOf(connection);
  const subscription = listen(subject, (message) =>
    handler({ subject: message.subject, headers: readHeaders(message), data: message.data }),
  );
  return {
    ready: nats.flush().catch(() => undefined),
    close: () => subscription.unsubscribe(),
  };
}

/** Says something to whoever listens now; nothing is kept, and nobody answers. Lost while the connection is down. */
export function publishLive(connection: Connection, subject: string, data: string): void {
  if (connection.status !== 'connected') return;
  const { nats, acks } = linkOf(connection);
  nats.publish(subject, data);
  acks.send();
}
