/**
 * Publishes, at the start, what the process before committed and may not have published.
 *
 * 1. What was published already is dropped by the stream (`Nats-Msg-Id`), or by the inbox, or met by the attempt fence.
 * 2. A step's task is not: beyond the stream's memory for ids it would be executed again. Whether it is missing is
 *    found out when what has arrived meanwhile is taken in (`in-flight.ts`).
 */
import type { Logger } from '@signalbox/telemetry';
import type { Relay } from './relay.js';
import type { OutboxStore } from './store/outbox-store.js';
import type { RunStore } from './store/run-store.js';
import { encodeRunEvent } from './wire/event-codec.js';
import type { WritePath } from './write-path.js';

export interface DrainParts {
  readonly outbox: OutboxStore;
  readonly runStore: RunStore;
  readonly relay: Relay;
  readonly writePath: WritePath;
  readonly logger: Logger;
}

const maxEventsAtOnce = 1_000;

export const drain = async ({ outbox, runStore, relay, writePath, logger }: DrainParts): Promise<void> => {
  const entries = outbox.waiting();
  let eventsPosition = outbox.publishedEvents();
  await relay.publish({
    entries,
    events: [],
    marks: { outbox: outbox.lastPosition(), events: eventsPosition },
  });
  let eventCount = 0;
  for (;;) {
    const stored = runStore.unpublished(eventsPosition, maxEventsAtOnce);
    const last = stored.at(-1);
    if (last === undefined) break;
    eventsPosition = last.position;
    eventCount += stored.length;
    const events = stored.map(({ runKey, recorded, causationId }) =>
      encodeRunEvent(runKey, recorded, causationId),
    );
    await relay.publish({
      entries: [],
      events,
      marks: { outbox: outbox.lastPosition(), events: eventsPosition },
    });
  }
  await relay.done();
  const marks = relay.takeMarks();
  if (marks !== undefined) writePath.markPublished(marks);
  if (entries.length + eventCount > 0) {
    logger.info('published what was left over', { outbox_count: entries.length, event_count: eventCount });
  }
};
