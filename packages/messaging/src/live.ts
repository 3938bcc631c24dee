/**
 * Owns plain subscriptions: what is published while somebody listens, without a stream's memory. A publish into
 * a stream reaches plain subscribers too. Subscriptions live on over reconnects; what is said meanwhile is missed.
 */
import type { Msg } from '@nats-io/nats-core';
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
  return subscribe(connection, subject, (message) =>
    handler({ subject: message.subject, headers: readHeaders(message), data: message.data }),
  );
}

export interface MaxDeliveriesAdvisory {
  stream: string;
  consumer: string;
  streamSequence: number;
  deliveryCount: number;
}

/** The server says once, when it would have to deliver a message too often; the message stays in the stream. A listener that is away misses it. */
export function onMaxDeliveries(
  connection: Connection,
  stream: string,
  handler: (advisory: MaxDeliveriesAdvisory) => void,
): LiveSubscription {
  return subscribe(connection, `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.*`, (message) => {
    const advisory = message.json<{
      stream: string;
      consumer: string;
      stream_seq: number;
      deliveries: number;
    }>();
    handler({
      stream: advisory.stream,
      consumer: advisory.consumer,
      streamSequence: advisory.stream_seq,
      deliveryCount: advisory.deliveries,
    });
  });
}

function subscribe(
  connection: Connection,
  subject: string,
  onMessage: (message: Msg) => void,
): LiveSubscription {
  const { nats } = linkOf(connection);
  const subscription = nats.subscribe(subject, { callback: (_error, message) => onMessage(message) });
  return {
    ready: nats.flush().catch(() => undefined),
    close: () => subscription.unsubscribe(),
  };
}
