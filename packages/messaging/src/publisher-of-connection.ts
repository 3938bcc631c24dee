/**
 * The publisher that everybody uses: in a cluster, messages go out without an id.
 *
 * A stream of several copies takes its messages out of a log that its members share, and nats-server 2.9 finds a
 * duplicate only when it takes it out. A member that was killed takes out the end of that log once more, and has forgotten
 * the ids of what was removed since, or is older than the duplicate window: it stores that again. From then on it numbers
 * messages otherwise than the other members do, skips what it has never had, and what is removed by a number is another
 * message. Once it leads, what was acknowledged to a publisher is gone. Where nothing is a duplicate, none of this
 * happens (`packages/testing/test/cluster.int.test.ts`). What is stored twice instead, its receivers take once.
 */
import { type Connection, isClustered } from './connection.js';
import {
  createPublisher as createOnePublisher,
  type OutgoingMessage,
  type Publisher,
  type PublisherOptions,
} from './publisher.js';

/** A repetition is stored again: not before a leader that is merely slow has had its time. */
const clusterAckTimeoutMs = 5_000;

export function createPublisher(connection: Connection, options: PublisherOptions = {}): Publisher {
  if (!isClustered(connection)) return createOnePublisher(connection, options);
  const publisher = createOnePublisher(connection, { ackTimeoutMs: clusterAckTimeoutMs, ...options });
  return {
    publish: (message) => publisher.publish(withoutId(message)),
    publishAll: (messages) => publisher.publishAll(messages.map(withoutId)),
    get longestWaitMs() {
      return publisher.longestWaitMs;
    },
    close: () => publisher.close(),
  };
}

const withoutId = ({ id: _, ...message }: OutgoingMessage): OutgoingMessage => message;
