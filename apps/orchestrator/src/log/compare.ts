/**
 * Compares the database with the log and takes in what the log has more.
 *
 * 1. Only what lies behind the newest mark that the stream still bears out is read.
 * 2. Is that not the newest mark of all, the stream has lost its end or is another one. What is behind the mark and was
 *    not found in the stream is missing there.
 * 3. A log whose beginning was dropped by its limits bears out the marks in the part that was dropped.
 */
import { createHash } from 'node:crypto';
import {
  type Connection,
  getMessage,
  readNewest,
  readStream,
  readStreamFacts,
  type StoredMessage,
  type StreamFacts,
} from '@signalbox/messaging';
import { EVENTS, filters, headers } from '@signalbox/protocol';
import type { Starlark } from '@signalbox/starlark-wasm';
import type { Logger } from '@signalbox/telemetry';
import type { Database } from 'better-sqlite3';
import {
  createLogStore,
  type LogMark,
  type LogPosition,
  type LogStore,
  startOfLog,
} from '../store/log-store.js';
import { LogFold } from './log-fold.js';

export interface CompareParts {
  readonly connection: Connection;
  readonly sql: Database;
  readonly starlark: Starlark;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** The database takes nothing in: this process is the only one that publishes, and has begun already. */
  readonly isComplete?: boolean;
  /** Told what is being read. */
  readonly onReading?: (what: string) => void;
  /** The stream cannot be read here: what lies before it is read again, too. */
  readonly hole?: number;
}

/** What the database has and the stream does not. */
export interface Missing {
  readonly fold: LogFold;
  /** Of the stream, before anything was read of it. */
  readonly facts: StreamFacts;
  /** What is behind `from`, up to and including `to`, and was not seen by the fold. */
  readonly from: LogPosition;
  readonly to: LogPosition;
  /** The stream is another one, or has lost its end. */
  readonly isLost: boolean;
}

/** While the process is at work, others wait no longer than so many comparisons take. */
const maxBatchAtWork = 100;
const maxBatch = 1_000;

const digestOf = ({ data }: StoredMessage): string => createHash('sha256').update(data).digest('hex');

const messageIdOf = (message: StoredMessage): string => message.headers[headers.messageId] ?? '';

/** Whether the stream still holds what the mark says. */
export const bearsOut = async (
  connection: Connection,
  facts: StreamFacts,
  mark: LogMark,
): Promise<boolean> => {
  if (mark.streamId !== facts.id || mark.streamSequence > facts.lastSequence) return false;
  if (mark.streamSequence < facts.firstSequence) return true;
  const message = await getMessage(connection, EVENTS, mark.streamSequence);
  // Nobody can delete it: where it cannot be read, the store is damaged, and what is around it may be lost, too.
  if (message === undefined) return false;
  return messageIdOf(message) === mark.messageId && digestOf(message) === mark.digest;
};

export interface MarkParts {
  readonly connection: Connection;
  readonly store: LogStore;
  /** False where the connection has broken since `published` was known: the stream may be an older one since. */
  readonly isCurrent: () => boolean;
}

/** Says of the stream as it is now: everything up to `published` is in it, and what is behind that is behind `readFrom`. */
export const setMark = async (
  { connection, store, isCurrent }: MarkParts,
  facts: StreamFacts,
  published: LogPosition,
  readFrom: number,
): Promise<void> => {
  const message = await readNewest(connection, EVENTS, '>');
  if (message === undefined || !isCurrent()) return;
  store.addMark({
    streamId: facts.id,
    streamSequence: message.sequence,
    messageId: messageIdOf(message),
    digest: digestOf(message),
    published,
    readFrom,
  });
};

/**
 * As `compare`, in one transaction: where the log contradicts the database, or the process ends in the middle, nothing
 * has been taken in. For a start, while nobody else uses the database.
 * @throws StoresContradict
 */
export const compareAtStart = async (parts: CompareParts): Promise<Missing> => {
  const { sql } = parts;
  sql.exec('BEGIN IMMEDIATE');
  try {
    const missing = await compare(parts);
    sql.exec('COMMIT');
    return missing;
  } catch (error) {
    sql.exec('ROLLBACK');
    throw error;
  }
};

/** @throws StoresContradict, before which the database may have taken in what came before the contradiction. */
export const compare = async (parts: CompareParts): Promise<Missing> => {
  const { connection, sql, isComplete = false, hole = Number.POSITIVE_INFINITY } = parts;
  const store = createLogStore(sql);
  const facts = await readStreamFacts(connection, EVENTS);
  const marks = store.marks();
  let base: LogMark | undefined;
  for (const mark of marks) {
    const isBefore = mark.streamSequence < hole;
    base = isBefore && (await bearsOut(connection, facts, mark)) ? mark : undefined;
    if (base !== undefined) break;
  }
  const isLost = base === undefined || base !== marks[0];
  const fold = new LogFold(parts);
  const fromSequence = (base?.readFrom ?? 0) + 1;
  for (const filterSubject of [
    // A run needs the definition that it was started with.
    filters.allCatalogEvents,
    filters.allEvents,
  ]) {
    const { logger, signal, onReading } = parts;
    onReading?.(`the newest event on ${filterSubject}`);
    const handler = (messages: readonly StoredMessage[]): void => {
      onReading?.(`the log, read up to ${messages.at(-1)?.sequence} of ${facts.lastSequence}`);
      fold.take(messages);
    };
    await readStream(connection, {
      stream: EVENTS,
      filterSubject,
      fromSequence,
      maxBatch: isComplete ? maxBatchAtWork : maxBatch,
      logger,
      signal,
      handler,
    });
  }
  fold.end();
  return { fold, facts, from: base?.published ?? startOfLog, to: store.committed(), isLost };
};
