/**
 * Owns the two ways to work on what durable consumers deliver: each message by itself, several at once; or
 * everything that has arrived, in one sequential loop over several consumers.
 *
 * 1. A delivery keeps its place in the window until it is settled.
 * 2. While a delivery is unsettled, the server hears `working()` in time, so it goes to nobody else.
 * 3. What a handler throws ends the consumption: `done` rejects, and unhandled it ends the process.
 */
import type { Msg } from '@nats-io/nats-core';
import type { Logger } from '@signalbox/telemetry';
import { type Connection, linkOf } from './connection.js';
import { type Delivery, PulledDelivery } from './delivery.js';
import { InvariantViolation } from './errors.js';
import { PullWindow } from './pull-window.js';

const defaultHeartbeatMs = 3_000;
const defaultGraceMs = 10_000;

export interface ConsumeSource {
  stream: string;
  durable: string;
  /** Claimed and unsettled plus requested never exceeds this. */
  maxInFlight: number;
  /** Makes the consumer ready whenever pulling begins, on each connection anew, and gives its filter; without it the consumer has to exist. */
  prepare?: () => Promise<string>;
}

export interface ConsumeOptions {
  logger: Logger;
  /** `working()` is sent for every unsettled delivery this often; less than half of the ack wait. Default 3 s. */
  heartbeatMs?: number;
}

export interface ConsumeEachOptions extends ConsumeOptions, ConsumeSource {
  /** Runs up to `maxInFlight` times at once. Must settle its delivery before it resolves. */
  handler: (delivery: Delivery) => Promise<void>;
}

export interface ConsumeBatchesOptions extends ConsumeOptions {
  sources: readonly ConsumeSource[];
  maxBatch: number;
  /** One call at a time, with all that has arrived meanwhile, in order of arrival. Deliveries may be settled later than it resolves. */
  handler: (deliveries: readonly Delivery[]) => Promise<void>;
}

export interface Consumption {
  /** Resolves after `stop()`; rejects with what a handler threw, after which nothing is delivered any more. */
  readonly done: Promise<void>;
  /** Claimed and unsettled. */
  readonly inFlightCount: number;
  /** Asked of the server and not delivered yet. */
  readonly requestedCount: number;
  /** By durable name. */
  readonly sources: ReadonlyMap<string, ConsumedSource>;
  /** Stops pulling, gives unstarted deliveries back at once, waits up to `graceMs` (default 10 s) for handlers; what is unsettled then is left to redelivery. */
  stop(options?: { graceMs?: number }): Promise<void>;
}

export interface ConsumedSource {
  /** Asked of the server and not delivered yet. */
  readonly requestedCount: number;
  /** Whether the message of this number was delivered here, and is not settled. */
  holds(sequence: number): boolean;
  /** Makes the consumer ready once more, as on a new connection: what is unsettled may be delivered again. */
  beginAnew(): void;
}

/** Waits for a consumer that nobody has provisioned yet, and survives restarts of the server. */
export function consumeEach(connection: Connection, options: ConsumeEachOptions): Consumption {
  const running = new Set<Promise<void>>();
  const run = async (delivery: Delivery) => {
    await options.handler(delivery);
    if (!delivery.isSettled)
      throw new InvariantViolation(`a handler left ${delivery.subject} without an answer`);
  };
  return startConsumption(connection, options, [options], {
    onArrival: (delivery, fail) => {
      const work: Promise<void> = run(delivery)
        .catch(fail)
        .finally(() => running.delete(work));
      running.add(work);
    },
    takeUnstarted: () => [],
    whenIdle: () => Promise.all(running).then(() => undefined),
  });
}

/** As `consumeEach`, but one call at a time over the deliveries of all sources. */
export function consumeBatches(connection: Connection, options: ConsumeBatchesOptions): Consumption {
  let arrived: Delivery[] = [];
  let loop: Promise<void> | undefined;
  const work = async () => {
    // One turn of the event loop, so that a batch holds all that came with the same reads of the sockets.
    await new Promise((resolve) => setImmediate(resolve));
    while (arrived.length > 0) {
      const batch = arrived.slice(0, options.maxBatch);
      arrived = arrived.slice(options.maxBatch);
      await options.handler(batch);
    }
    // In the same turn as the look at what has arrived: whoever comes next begins anew.
    loop = undefined;
  };
  return startConsumption(connection, options, options.sources, {
    onArrival: (delivery, fail) => {
      arrived.push(delivery);
      loop ??= work().catch((error) => {
        loop = undefined;
        fail(error);
      });
    },
    takeUnstarted: () => {
      const unstarted = arrived;
      arrived = [];
      return unstarted;
    },
    whenIdle: async () => loop,
  });
}

interface Workshop {
  onArrival: (delivery: Delivery, fail: (error: unknown) => void) => void;
  takeUnstarted: () => readonly Delivery[];
  whenIdle: () => Promise<void>;
}

function startConsumption(
  connection: Connection,
  options: ConsumeOptions,
  sources: readonly ConsumeSource[],
  workshop: Workshop,
): Consumption {
  const { promise: done, resolve, reject } = withResolvers();
  const link = linkOf(connection);
  const unsettled = new Set<PulledDelivery>();
  let isStopping = false;

  const end = async () => {
    isStopping = true;
    const drained = Promise.all(windows.map((window) => window.drain()));
    for (const delivery of workshop.takeUnstarted()) delivery.nak();
    await drained;
  };
  const fail = (error: unknown) => {
    clearInterval(heartbeat);
    reject(error);
    void end();
  };
  const arrive = (message: Msg, window: () => PullWindow) => {
    const settle = (settled: PulledDelivery) => {
      unsettled.delete(settled);
      window().release(message);
    };
    const { breakCount } = link;
    const delivery = new PulledDelivery(message, settle, () => breakCount === link.breakCount, link.acks);
    unsettled.add(delivery);
    // Came while the requests were being withdrawn: somebody else can have it at once.
    if (isStopping) delivery.nak();
    else workshop.onArrival(delivery, fail);
  };
  const windows = sources.map((source) => {
    const logger = options.logger.child({ stream: source.stream, consumer: source.durable });
    const window: PullWindow = new PullWindow(connection, {
      stream: source.stream,
      consumer: source.durable,
      size: source.maxInFlight,
      ...(source.prepare === undefined ? {} : { prepare: source.prepare }),
      onMessage: (message) => arrive(message, () => window),
      onStray: (subject) => logger.warn('a message of another consumer is left alone', { subject }),
      onSilence: ({ silentMs, requestedCount }) =>
        logger.warn('the server is silent though it was asked; it is asked anew', {
          silent_ms: silentMs,
          requested_count: requestedCount,
          in_hand_count: window.claimedCount,
        }),
      onRefused: (reason) => logger.info('waiting for the consumer', { reason }),
    });
    return window;
  });
  const heartbeat = setInterval(() => {
    for (const delivery of unsettled) delivery.working();
  }, options.heartbeatMs ?? defaultHeartbeatMs);

  const stop = async (graceMs: number) => {
    await end();
    await within(graceMs, workshop.whenIdle());
    clearInterval(heartbeat);
    if (unsettled.size > 0) options.logger.info('left to redelivery', { count: unsettled.size });
    // Answers given last must leave before the caller closes the connection.
    if (connection.status === 'connected')
      await linkOf(connection)
        .nats.flush()
        .catch(() => undefined);
    resolve();
  };
  const consumedSource = (source: ConsumeSource, window: PullWindow): ConsumedSource => ({
    get requestedCount() {
      return window.requestedCount;
    },
    holds: (sequence) => {
      for (const { consumer, streamSequence } of unsettled)
        if (streamSequence === sequence && consumer === source.durable) return true;
      return false;
    },
    beginAnew: () => window.beginAnew(),
  });
  let stopped: Promise<void> | undefined;
  return {
    done,
    get inFlightCount() {
      return unsettled.size;
    },
    get requestedCount() {
      return windows.reduce((sum, window) => sum + window.requestedCount, 0);
    },
    sources: new Map(
      sources.map((source, index) => [source.durable, consumedSource(source, windows[index] as PullWindow)]),
    ),
    stop: (stopOptions) => {
      stopped ??= stop(stopOptions?.graceMs ?? defaultGraceMs);
      return stopped;
    },
  };
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise: elapsed, resolve } = withResolvers();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, elapsed]);
  clearTimeout(timer);
}

function withResolvers() {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
