import type { Logger } from '@signalbox/telemetry';
import type { ConsumerDeclaration, StreamDeclaration } from './declarations.js';

export type { ConsumerDeclaration, StreamDeclaration } from './declarations.js';
export { ContractError, InvariantViolation, TransientError } from './errors.js';

import type { ContractError, TransientError } from './errors.js';

// connection
export type ConnectionStatus = 'connected' | 'reconnecting' | 'closed';
export interface ConnectionOptions {
  url: string;
  /** Shown by the server's monitoring. */
  name: string;
  logger: Logger;
  /** Ends the wait for a server that is not there yet; `openConnection` then rejects with the signal's reason. */
  signal?: AbortSignal;
}
export interface Connection {
  readonly status: ConnectionStatus;
  /** Resolves when the connection is closed for good: by `close()` or because the server refused it for ever. */
  readonly closed: Promise<void>;
  /** Bytes of headers and data together, of the server last connected to. */
  readonly maxPayloadBytes: number;
  /** Resolves when everything sent so far has reached the server; `TransientError` when the connection breaks meanwhile. */
  flush(): Promise<void>;
  /** Sends what is buffered, then closes. */
  close(): Promise<void>;
}
export declare function openConnection(options: ConnectionOptions): Promise<Connection>;

// provision
export interface Topology {
  streams: readonly StreamDeclaration[];
  consumers: readonly ConsumerDeclaration[];
}
export interface Drift {
  kind: 'stream' | 'consumer';
  name: string;
  field: string;
  declared: unknown;
  actual: unknown;
}
/** Creates what is missing, changes nothing that exists, returns how it differs. Waits for the server until `signal` aborts. */
export declare function provision(
  connection: Connection,
  topology: Topology,
  options?: { signal?: AbortSignal },
): Promise<Drift[]>;

// publish
export type MessageHeaders = Readonly<Record<string, string>>;
export interface OutgoingMessage {
  subject: string;
  /** `Nats-Msg-Id`. Without one a repeated publish may store the message twice. */
  id?: string;
  headers?: MessageHeaders;
  data: Uint8Array | string;
}
export interface PublishOutcome {
  stream: string;
  sequence: number;
  isDuplicate: boolean;
}
export interface PublisherOptions {
  /** After this long without an acknowledgement the message is sent again under the same id. Default 2 s. */
  ackTimeoutMs?: number;
  /** After this long in all, the publish fails. Default 30 s. */
  deadlineMs?: number;
  /** Unacknowledged messages at any time; more wait in order. Default 4096. */
  maxUnacknowledged?: number;
}
export interface Publisher {
  publish(message: OutgoingMessage): Promise<PublishOutcome>;
  /** First sends happen in the order of the array. Rejects with `PublishError` when any failed, after all are decided. */
  publishAll(messages: readonly OutgoingMessage[]): Promise<PublishOutcome[]>;
  close(): void;
}
/** Which of a batch are stored: `outcomes[i]` belongs to message `i`. `cause` is the first failure. */
export declare class PublishError extends Error {
  readonly outcomes: readonly (PublishOutcome | TransientError)[];
}
export declare function createPublisher(connection: Connection, options?: PublisherOptions): Publisher;

// consume
export interface Delivery {
  readonly stream: string;
  readonly consumer: string;
  readonly subject: string;
  readonly headers: MessageHeaders;
  readonly data: Uint8Array;
  /** 1 on the first delivery. */
  readonly deliveryCount: number;
  readonly streamSequence: number;
  /** Messages that wait behind this one. */
  readonly pendingCount: number;
  readonly isSettled: boolean;
  /** Each settles the delivery once; later calls do nothing. All are sent without waiting for an answer. */
  ack(): void;
  nak(delayMs?: number): void;
  term(): void;
  /** Restarts the server's ack wait. */
  working(): void;
}
export interface ConsumeSource {
  stream: string;
  durable: string;
  /** Claimed but unsettled plus requested never exceeds this. */
  maxInFlight: number;
}
export interface ConsumeOptions {
  logger: Logger;
  /** `working()` is sent for every claimed, unsettled delivery this often. Default 10 s. */
  heartbeatMs?: number;
}
export interface ConsumeEachOptions extends ConsumeOptions, ConsumeSource {
  /** Runs up to `maxInFlight` at once. Must settle its delivery before it resolves. */
  handler: (delivery: Delivery) => Promise<void>;
}
export interface ConsumeBatchesOptions extends ConsumeOptions {
  sources: readonly ConsumeSource[];
  maxBatch: number;
  /** One at a time; gets all that has arrived meanwhile. May settle after it has resolved; unsettled ones keep their place in the window. */
  handler: (deliveries: readonly Delivery[]) => Promise<void>;
}
export interface Consumption {
  /** Resolves after `stop()`; rejects with what a handler threw (the consumption has then stopped). */
  readonly done: Promise<void>;
  /** Claimed and unsettled. */
  readonly inFlightCount: number;
  /** Asked of the server and not yet delivered. */
  readonly requestedCount: number;
  /** Stops pulling, returns unstarted deliveries at once, waits up to `graceMs` (default 10 s) for handlers. */
  stop(options?: { graceMs?: number }): Promise<void>;
}
export declare function consumeEach(connection: Connection, options: ConsumeEachOptions): Consumption;
export declare function consumeBatches(connection: Connection, options: ConsumeBatchesOptions): Consumption;

// dispositions
export interface DeadLetter {
  stream: string;
  consumer: string;
  subject: string;
  streamSequence: number;
  deliveryCount: number;
  headers: MessageHeaders;
  data: Uint8Array;
  error: ContractError;
}
export interface SettleOptions {
  /** Keeps the message before it is terminated. */
  onDeadLetter: (deadLetter: DeadLetter) => Promise<void>;
}
export type Disposition = 'acked' | 'nakked' | 'terminated';
/** Runs `work` and settles the delivery by its outcome: value → ack, TransientError → nak with delay, ContractError → dead letter + term; anything else is thrown on, unsettled. */
export declare function settle(
  delivery: Delivery,
  work: () => Promise<unknown>,
  options: SettleOptions,
): Promise<Disposition>;

// stream access
export interface StoredMessage {
  stream: string;
  subject: string;
  sequence: number;
  /** Milliseconds since 1970. */
  storedAt: number;
  headers: MessageHeaders;
  data: Uint8Array;
}
export declare function readLast(
  connection: Connection,
  stream: string,
  subject: string,
): Promise<StoredMessage | undefined>;
export declare function getMessage(
  connection: Connection,
  stream: string,
  sequence: number,
): Promise<StoredMessage | undefined>;
/** False when there was no such message. */
export declare function deleteMessage(
  connection: Connection,
  stream: string,
  sequence: number,
): Promise<boolean>;
/** Returns how many messages were removed. */
export declare function purge(connection: Connection, stream: string, filterSubject: string): Promise<number>;

// follow
export interface FollowOptions {
  stream: string;
  /** One filter (wildcards allowed); everything when absent. */
  filterSubject?: string;
  /** First stream sequence wanted, from 1. */
  fromSequence: number;
  signal: AbortSignal;
  maxBatch: number;
  logger: Logger;
  /** One at a time, in stream order. `caughtUp`: nothing lies behind the last of `messages` now. May be called with an empty list to say so. */
  handler: (messages: readonly StoredMessage[], progress: { caughtUp: boolean }) => Promise<void> | void;
}
/** Resolves when `signal` aborts (after the handler at work), rejects with what the handler threw. */
export declare function followStream(connection: Connection, options: FollowOptions): Promise<void>;

// core
export interface LiveMessage {
  subject: string;
  headers: MessageHeaders;
  data: Uint8Array;
}
export interface LiveSubscription {
  /** Resolves when the server knows of the subscription. */
  readonly ready: Promise<void>;
  close(): void;
}
export declare function subscribeLive(
  connection: Connection,
  subject: string,
  handler: (message: LiveMessage) => void,
): LiveSubscription;
export interface MaxDeliveriesAdvisory {
  stream: string;
  consumer: string;
  streamSequence: number;
  deliveryCount: number;
}
export declare function onMaxDeliveries(
  connection: Connection,
  stream: string,
  handler: (advisory: MaxDeliveriesAdvisory) => void,
): LiveSubscription;
