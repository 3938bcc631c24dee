/**
 * What lies in the task queue for this process itself and does not reach it: a cluster whose leader died may have given
 * its number to it after the consumer has passed that number, and a purge moves a consumer past what it has not delivered.
 *
 * 1. It is found when the oldest message that is in no hand here is the same at two looks, and the server has had a
 *    request for it both times.
 * 2. The consumer is made anew then, and delivers all that lies there. What was handled already changes nothing.
 * 3. Where that does not help it is tried again, less often.
 */
import { type ConsumedSource, type StoredMessage, TransientError } from '@signalbox/messaging';
import type { ConsumerDeclaration } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Clock } from './clock.js';

export interface UndeliveredParts {
  readonly consumers: readonly ConsumerDeclaration[];
  readonly sources: ReadonlyMap<string, ConsumedSource>;
  /** The first message in the queue on a filter, from a number on. @throws TransientError */
  readonly next: (filterSubject: string, fromSequence: number) => Promise<StoredMessage | undefined>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fail: (cause: unknown) => void;
  readonly everyMs?: number;
}

interface Seen {
  readonly sequence: number;
  readonly lookCount: number;
}

const defaultEveryMs = 10_000;
/** Looks at one message before its consumer is made anew, and between that and the next time. */
const firstLookCount = 2;
const againLookCount = 6;
/** Messages in hand that are passed by in one look; many are a sign that all goes well. */
const maxPassedBy = 100;

/** Looks again and again until it is closed. */
export const followUndelivered = (parts: UndeliveredParts): { close(): void } => {
  const { consumers, sources, clock, logger, fail, everyMs = defaultEveryMs } = parts;
  const seen = new Map<string, Seen>();
  let timer: { cancel(): void } | undefined;
  let isClosed = false;
  const lookAt = async ({ durable, filterSubject }: ConsumerDeclaration): Promise<void> => {
    const source = sources.get(durable);
    const sequence = source && (await oldestInNoHand(source, filterSubject, parts.next));
    if (source === undefined || sequence === undefined || source.requestedCount === 0) {
      seen.delete(durable);
      return;
    }
    const before = seen.get(durable);
    const lookCount = before !== undefined && before.sequence === sequence ? before.lookCount + 1 : 1;
    seen.set(durable, { sequence, lookCount });
    if (lookCount % againLookCount !== firstLookCount) return;
    logger.warn('a message is not delivered; its consumer is made anew', { consumer: durable, sequence });
    source.beginAnew();
  };
  const look = async (): Promise<void> => {
    try {
      for (const consumer of consumers) await lookAt(consumer);
    } catch (cause) {
      // Another connection, or another server: what was seen says nothing of it.
      if (!(cause instanceof TransientError)) throw cause;
      seen.clear();
    }
    plan();
  };
  const plan = (): void => {
    if (isClosed) return;
    timer = clock.setTimer(clock.now() + everyMs, () => {
      look().catch((cause) => {
        if (!isClosed) fail(cause);
      });
    });
  };
  plan();
  return {
    close: () => {
      isClosed = true;
      timer?.cancel();
    },
  };
};

const oldestInNoHand = async (
  source: ConsumedSource,
  filterSubject: string,
  next: UndeliveredParts['next'],
): Promise<number | undefined> => {
  let from = 1;
  for (let count = 0; count < maxPassedBy; count += 1) {
    const message = await next(filterSubject, from);
    if (message === undefined || !source.holds(message.sequence)) return message?.sequence;
    from = message.sequence + 1;
  }
  return undefined;
};
