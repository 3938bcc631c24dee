/**
 * Publishes, at the start, what the process before committed and may not have published.
 *
 * 1. What was published already is dropped by the stream (`Nats-Msg-Id`), or met by the attempt fence.
 * 2. A withdrawal that is repeated takes away tasks behind it that were published already, and their ids would be
 *    dropped as duplicates: those go out under a new id.
 */
import type { Logger } from '@signalbox/telemetry';
import type { Relay } from './relay.js';
import { covers, type OutboxEntry, type OutboxStore } from './store/outbox-store.js';
import type { RunStore } from './store/run-store.js';
import { encodeRunEvent } from './wire/event-codec.js';
import type { WritePath } from './write-path.js';

export interface DrainParts {
  readonly outbox: OutboxStore;
  readonly runStore: RunStore;
  readonly relay: Relay;
  readonly writePath: WritePath;
  readonly logger: Logger;
  readonly now: number;
}

const maxEventsAtOnce = 1_000;

export const drain = async ({
  outbox,
  runStore,
  relay,
  writePath,
  logger,
  now,
}: DrainParts): Promise<void> => {
  const entries = underFreshIds(outbox.waiting(), now);
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
    const events = stored.map(({ runId, workspace, recorded, causationId }) =>
      encodeRunEvent(runId, workspace, recorded, causationId),
    );
    await relay.publish({
      entries: [],
      events,
      marks: { outbox: outbox.lastPosition(), events: eventsPosition },
    });
  }
  const marks = relay.takeMarks();
  if (marks !== undefined) writePath.markPublished(marks);
  if (entries.length + eventCount > 0) {
    logger.info('published what was left over', { outbox_count: entries.length, event_count: eventCount });
  }
};

const underFreshIds = (entries: readonly OutboxEntry[], now: number): readonly OutboxEntry[] => {
  const filters: string[] = [];
  return entries.map((entry) => {
    if (entry.kind === 'withdrawal') {
      filters.push(entry.filter);
      return entry;
    }
    const mayBeGone = filters.some((filter) => covers(filter, entry.subject));
    return mayBeGone ? { ...entry, messageId: `${entry.messageId}/again/${now}` } : entry;
  });
};
