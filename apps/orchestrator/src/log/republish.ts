/**
 * Publishes what the database has and the stream lacks: the catalog first, then the runs' events in the order of their
 * commits, with the ids and the text that they had. A bounded number is under way, and other work goes on meanwhile.
 */
import { type OutgoingMessage, type Publisher, pause, TransientError } from '@signalbox/messaging';
import type { WireMessage } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';
import { createCrashStore } from '../store/crash-store.js';
import { createLogStore } from '../store/log-store.js';
import { encodeDeadLetter, encodeQuarantine } from '../wire/event-codec.js';
import type { Missing } from './compare.js';
import { catalogEventMessage, runEventMessage } from './log-codec.js';
import { keyOfDeadLetter } from './log-fold.js';

const maxAtOnce = 500;
const retryDelayMs = 250;

export interface RepublishParts {
  readonly sql: Database;
  readonly publisher: Publisher;
  readonly signal: AbortSignal;
}

/** Definitions, agents, teams, quarantines, and the dead letters. Resolves with the number of messages when all are stored. */
export const republishCatalog = async (parts: RepublishParts, missing: Missing): Promise<number> => {
  const { fold, from, to } = missing;
  const store = createLogStore(parts.sql);
  const catalogCount = await republish(parts, from.catalog, to.catalog, {
    read: store.catalogEventsBehind,
    isMissing: ({ position }) => !fold.seenCatalog.has(position),
    encode: catalogEventMessage,
  });
  const quarantines = missing.isLost ? createCrashStore(parts.sql).announced() : [];
  await publishAll(parts.publisher, quarantines.map(encodeQuarantine), parts.signal);
  const letterCount = await republish(parts, from.letters, to.letters, {
    read: store.deadLettersBehind,
    isMissing: ({ report }) => !fold.seenDeadLetters.has(keyOfDeadLetter(report)),
    encode: ({ report }) => encodeDeadLetter(report),
  });
  return catalogCount + quarantines.length + letterCount;
};

/** Resolves with the number of messages when all are stored. */
export const republishEvents = (parts: RepublishParts, { fold, from, to }: Missing): Promise<number> => {
  const store = createLogStore(parts.sql);
  return republish(parts, from.events, to.events, {
    read: store.eventsBehind,
    isMissing: ({ position }) => !fold.seenEvents.has(position),
    encode: runEventMessage,
  });
};

interface Kind<R> {
  /** In the order of their positions. */
  readonly read: (position: number, limit: number) => R[];
  readonly isMissing: (row: R) => boolean;
  readonly encode: (row: R) => WireMessage;
}

const republish = async <R extends { readonly position: number }>(
  { publisher, signal }: RepublishParts,
  from: number,
  to: number,
  { read, isMissing, encode }: Kind<R>,
): Promise<number> => {
  let count = 0;
  for (let position = from; position < to; ) {
    const rows = read(position, maxAtOnce);
    const last = rows.at(-1);
    if (last === undefined) break;
    position = last.position;
    const missing = rows.filter((row) => row.position <= to && isMissing(row));
    count += missing.length;
    await publishAll(publisher, missing.map(encode), signal);
  }
  return count;
};

const publishAll = async (
  publisher: Publisher,
  messages: readonly OutgoingMessage[],
  signal: AbortSignal,
): Promise<void> => {
  while (messages.length > 0) {
    signal.throwIfAborted();
    try {
      await publisher.publishAll(messages);
      return;
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      await pause(retryDelayMs, signal);
    }
  }
};
