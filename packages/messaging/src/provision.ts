/**
 * Owns the creation of streams and durable consumers, which only the orchestrator has the right to: what is missing is
 * created, what exists is left as it is, and how it differs is returned. Two that do it at once do no harm.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { ConsumerDeclaration, StreamDeclaration } from '@signalbox/protocol';
import { attempt, type Connection, linkOf } from './connection.js';
import { apiCodes, hasApiCode, TransientError } from './errors.js';
import { pause } from './pause.js';

/** Pull requests that may wait at one consumer; the server's default of 512 is few for a hundred workers. */
const maxWaitingPulls = 4_096;
const retryDelayMs = 250;
/** A server that has just come back is no news. */
const triesInSilence = 8;

export interface Topology {
  streams: readonly StreamDeclaration[];
  consumers: readonly ConsumerDeclaration[];
}

/** One way in which something that exists differs from its declaration, in the server's terms. */
export interface Drift {
  kind: 'stream' | 'consumer';
  /** `<stream>` or `<stream>/<durable>`. */
  name: string;
  field: string;
  declared: unknown;
  actual: unknown;
}

export interface ProvisionOptions {
  readonly signal?: AbortSignal;
  /** Told once of each thing that the server does not take for a while, and why. */
  readonly onWaiting?: (error: TransientError) => void;
}

/**
 * Waits for a server that is away; rejects with the signal's reason when `signal` aborts. A server may lose a stream
 * that was there a moment ago: then everything is gone through again, for nobody else makes that stream.
 */
export async function provision(
  connection: Connection,
  topology: Topology,
  options: ProvisionOptions = {},
): Promise<Drift[]> {
  for (;;) {
    try {
      return await provisionInOrder(connection, topology, options);
    } catch (error) {
      if (!(error instanceof StreamLost)) throw error;
    }
  }
}

/** The stream of a consumer, found or made just before, is not there any more. */
class StreamLost extends Error {
  override readonly name = 'StreamLost';
}

async function provisionInOrder(
  connection: Connection,
  topology: Topology,
  options: ProvisionOptions,
): Promise<Drift[]> {
  const { manager } = linkOf(connection);
  const drifts: Drift[] = [];
  for (const declaration of topology.streams) {
    const declared = streamConfig(declaration);
    const info = await untilAnswered(connection, () => findOrAddStream(manager, declared), options);
    // What a stream says about itself changes with its contents.
    const { description: _, ...compared } = declared;
    drifts.push(...compare('stream', declaration.name, compared, info.config));
  }
  for (const declaration of topology.consumers) {
    const declared = consumerConfig(declaration);
    const isOwn = topology.streams.some(({ name }) => name === declaration.stream);
    const findOrAdd = () => findOrAddConsumer(manager, declaration.stream, declared);
    const info = await untilAnswered(connection, isOwn ? () => unlessLost(findOrAdd) : findOrAdd, options);
    drifts.push(
      ...compare('consumer', `${declaration.stream}/${declaration.durable}`, declared, info.config),
    );
  }
  return drifts;
}

const maxMakeTries = 5;

type NamedStream = Partial<StreamConfig> & { name: string };
type NamedConsumer = Partial<ConsumerConfig> & { durable_name: string };

function streamConfig(declaration: StreamDeclaration): NamedStream {
  return {
    name: declaration.name,
    ...(declaration.describe === undefined ? {} : { description: declaration.describe() }),
    subjects: [...declaration.subjects],
    retention: declaration.retention === 'workqueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    discard: declaration.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
    storage: StorageType.File,
    duplicate_window: nanos(declaration.duplicateWindowMs),
    allow_direct: declaration.allowDirect,
    deny_purge: true,
    deny_delete: declaration.denyDelete,
    max_age: nanos(declaration.maxAgeMs),
    max_bytes: declaration.maxBytes,
    num_replicas: declaration.replicas,
  };
}

function consumerConfig(declaration: ConsumerDeclaration): NamedConsumer {
  return {
    durable_name: declaration.durable,
    filter_subject: declaration.filterSubject,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(declaration.ackWaitMs),
    ...(declaration.backoffMs.length === 0 ? {} : { backoff: declaration.backoffMs.map((ms) => nanos(ms)) }),
    max_deliver: declaration.maxDeliver,
    max_ack_pending: declaration.maxAckPending,
    max_waiting: maxWaitingPulls,
  };
}

async function findOrAddStream(manager: JetStreamManager, config: NamedStream): Promise<StreamInfo> {
  try {
    return await manager.streams.info(config.name);
  } catch (error) {
    if (!hasApiCode(error, apiCodes.streamNotFound)) throw error;
  }
  try {
    // The client library writes into what it is given.
    return await manager.streams.add({ ...config });
  } catch (error) {
    // Somebody else was faster. A server that makes the same stream for two at once may tell the second of its subjects.
    if (!hasApiCode(error, apiCodes.streamNameInUse, apiCodes.subjectsOverlap)) throw error;
    return manager.streams.info(config.name).catch((missing: unknown) => {
      throw hasApiCode(missing, apiCodes.streamNotFound) ? error : missing;
    });
  }
}

async function findOrAddConsumer(
  manager: JetStreamManager,
  stream: string,
  config: NamedConsumer,
): Promise<ConsumerInfo> {
  try {
    return await manager.consumers.info(stream, config.durable_name);
  } catch (error) {
    if (!hasApiCode(error, apiCodes.consumerNotFound)) throw error;
    return manager.consumers.add(stream, { ...config });
  }
}

async function unlessLost<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (hasApiCode(error, apiCodes.streamNotFound))
      throw new StreamLost('the stream is gone', { cause: error });
    throw error;
  }
}

/** Of every durable consumer that there is. */
export async function consumerNames(connection: Connection, stream: string): Promise<string[]> {
  const { manager } = linkOf(connection);
  return attempt(connection, `listing the consumers of ${stream}`, async () => {
    const names: string[] = [];
    for await (const { name } of manager.consumers.list(stream)) names.push(name);
    return names;
  });
}

/**
 * Deletes the consumer and makes it anew, for its only owner: everything that is not acknowledged is delivered at
 * once, in stream order, as a first delivery. Otherwise what a dead holder had would wait out its ack wait, and
 * younger messages would overtake it. Acknowledgements of earlier deliveries still count.
 */
export async function remakeConsumer(
  connection: Connection,
  declaration: ConsumerDeclaration,
): Promise<void> {
  const { manager } = linkOf(connection);
  const { stream, durable } = declaration;
  const what = `making the consumer ${durable} anew`;
  await attempt(connection, what, async () => {
    try {
      await manager.consumers.delete(stream, durable);
    } catch (error) {
      if (!hasApiCode(error, apiCodes.consumerNotFound)) throw error;
    }
  });
  // A cluster may need longer to make one than a request waits. What is being made must not be deleted again for that.
  for (let tryCount = 1; ; tryCount += 1) {
    try {
      await attempt(connection, what, () => manager.consumers.add(stream, consumerConfig(declaration)));
      return;
    } catch (error) {
      if (!(error instanceof TransientError) || tryCount === maxMakeTries) throw error;
      await pause(retryDelayMs);
    }
  }
}

async function untilAnswered<T>(
  connection: Connection,
  request: () => Promise<T>,
  { signal, onWaiting }: ProvisionOptions,
): Promise<T> {
  for (let count = 1; ; count += 1) {
    signal?.throwIfAborted();
    try {
      return await attempt(connection, 'provisioning', request);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      if (count === triesInSilence) onWaiting?.(error);
      await pause(retryDelayMs, signal);
    }
  }
}

function compare(kind: Drift['kind'], name: string, declared: object, actual: object): Drift[] {
  const actualFields = new Map<string, unknown>(Object.entries(actual));
  return Object.entries(declared)
    .map(([field, value]) => ({
      kind,
      name,
      field,
      declared: value as unknown,
      actual: actualFields.get(field),
    }))
    .filter((drift) => !isSame(drift.declared, drift.actual));
}

/** The server leaves out what is false or zero. */
function isSame(declared: unknown, actual: unknown): boolean {
  if (actual === undefined) return declared === false || declared === 0;
  return JSON.stringify(declared) === JSON.stringify(actual);
}
