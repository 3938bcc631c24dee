/**
 * What the comparison of the database with the log needs: single events by their place in a history, events in the
 * order of their commits, and the log marks.
 *
 * 1. A log mark says: everything up to `published` is in the stream `streamId`, no later than
 *    `streamSequence`, and the message there has this id and digest.
 * 2. Marks are kept sparser the older they are, so that a stream that has lost its end is met near its new one.
 */
import type { CatalogEventMessage, DeadLetterReport, RunKey } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';
import type { RunEventRow } from '../wire/event-codec.js';

/** Places in the order of commits, one for each kind of what is published. */
export interface LogPosition {
  readonly events: number;
  readonly catalog: number;
  readonly letters: number;
}

export const startOfLog: LogPosition = { events: 0, catalog: 0, letters: 0 };

export const isUpTo = (one: LogPosition, other: LogPosition): boolean =>
  one.events <= other.events && one.catalog <= other.catalog && one.letters <= other.letters;

export interface LogMark {
  readonly streamId: string;
  readonly streamSequence: number;
  readonly messageId: string;
  /** SHA-256 of the message's text. */
  readonly digest: string;
  readonly published: LogPosition;
  /** Everything behind `published` is behind this sequence. */
  readonly readFrom: number;
}

export interface CatalogRow {
  readonly position: number;
  readonly workspace: string;
  readonly seq: number;
  readonly at: number;
  readonly event: CatalogEventMessage;
  readonly causationId?: string;
}

export interface StoredDeadLetter {
  readonly position: number;
  readonly report: DeadLetterReport;
}

/** Of a message, what the stream holds besides the data: subject, headers, envelope. */
export const aroundBytes = 700;
const maxMarks = 64;
/** Of the marks, so many newest ones are all kept. */
const denseMarks = 16;

export type LogStore = ReturnType<typeof createLogStore>;

export const createLogStore = (sql: Database) => ({
  ...createEventReads(sql),
  ...createCatalogReads(sql),
  ...createMarks(sql),
});

const createEventReads = (sql: Database) => {
  const at = sql.prepare<[RunKey, number], RunEventRow>(
    'SELECT * FROM workflow_run_events WHERE run_key = ? AND seq = ?',
  );
  const behind = sql.prepare<[number, number], RunEventRow>(
    'SELECT * FROM workflow_run_events WHERE position > ? ORDER BY position LIMIT ?',
  );
  const newestFirst = sql.prepare<[number, number], { position: number; bytes: number }>(
    `SELECT position, octet_length(data) + ${aroundBytes} AS bytes FROM workflow_run_events
     WHERE position > ? AND position <= ? ORDER BY position DESC`,
  );
  const committed = sql.prepare<[], LogPosition>(
    `SELECT (SELECT coalesce(max(position), 0) FROM workflow_run_events) AS events,
       (SELECT coalesce(max(position), 0) FROM catalog_events) AS catalog,
       (SELECT coalesce(max(position), 0) FROM dead_letters) AS letters`,
  );
  const waiting = sql
    .prepare<[], number>("SELECT EXISTS (SELECT 1 FROM outbox WHERE subject LIKE 'wf.event.%')")
    .pluck();
  const known = sql
    .prepare<[], number>(
      `SELECT EXISTS (SELECT 1 FROM workflow_runs) OR EXISTS (SELECT 1 FROM catalog_events)
         OR EXISTS (SELECT 1 FROM dead_letters)`,
    )
    .pluck();
  const publishedPosition = sql.prepare<[], number>('SELECT events_position FROM relay').pluck();
  const published = sql.prepare<[number]>('UPDATE relay SET events_position = ?');
  const dropWaiting = sql.prepare<[string]>('DELETE FROM outbox WHERE message_id = ?');
  return {
    eventAt: (runKey: RunKey, seq: number): RunEventRow | undefined => at.get(runKey, seq),
    /** In the order of their commits. */
    eventsBehind: (position: number, limit: number): RunEventRow[] => behind.all(position, limit),
    /** The place behind which, up to `to`, are no more bytes of the stream than `maxBytes`; `from` where all fit. */
    placeOfLast: (from: number, to: number, maxBytes: number): number => {
      if (maxBytes === Number.POSITIVE_INFINITY) return from;
      let left = maxBytes;
      for (const { position, bytes } of newestFirst.iterate(from, to)) {
        left -= bytes;
        if (left < 0) return position;
      }
      return from;
    },
    committed: (): LogPosition => committed.get() ?? startOfLog,
    /** As far as everything is known to be published; `before` is what was known before. */
    published: (before: LogPosition): LogPosition => {
      const events = publishedPosition.get() ?? 0;
      return waiting.get() === 1 ? { ...before, events } : { ...(committed.get() ?? startOfLog), events };
    },
    /** Nothing has ever been decided here. */
    isEmpty: (): boolean => known.get() === 0,
    setPublishedEvents: (position: number): void => {
      published.run(position);
    },
    /** The message was found in the stream: it need not be published. */
    dropWaiting: (messageId: string): void => {
      dropWaiting.run(messageId);
    },
  };
};

interface CatalogSqlRow {
  readonly position: number;
  readonly workspace: string;
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly data: string;
  readonly causation_id: string | null;
}

const createCatalogReads = (sql: Database) => {
  const at = sql.prepare<[string, number], CatalogSqlRow>(
    'SELECT * FROM catalog_events WHERE workspace = ? AND seq = ?',
  );
  const behind = sql.prepare<[number, number], CatalogSqlRow>(
    'SELECT * FROM catalog_events WHERE position > ? ORDER BY position LIMIT ?',
  );
  const deadLetters = sql.prepare<[number, number], DeadLetterReport & { position: number }>(
    `SELECT position, id, workspace, stream, subject, consumer, delivery_count AS deliveryCount, code, reason,
       reported_by AS reportedBy, at, payload, payload_bytes AS payloadBytes FROM dead_letters
     WHERE position > ? ORDER BY position LIMIT ?`,
  );
  return {
    catalogEventAt: (workspace: string, seq: number): CatalogRow | undefined => {
      const row = at.get(workspace, seq);
      return row && toCatalogRow(row);
    },
    catalogEventsBehind: (position: number, limit: number): CatalogRow[] =>
      behind.all(position, limit).map(toCatalogRow),
    deadLettersBehind: (position: number, limit: number): StoredDeadLetter[] =>
      deadLetters.all(position, limit).map(({ position, ...report }) => ({ position, report })),
  };
};

const toCatalogRow = ({ type, data, causation_id, ...row }: CatalogSqlRow): CatalogRow => ({
  ...row,
  event: { type, ...(JSON.parse(data) as object) } as CatalogEventMessage,
  ...(causation_id === null ? {} : { causationId: causation_id }),
});

type MarkRow = Omit<LogMark, 'published'> & LogPosition & { readonly id: number };

const createMarks = (sql: Database) => {
  const all = sql.prepare<[], MarkRow>(
    `SELECT id, stream_id AS streamId, stream_sequence AS streamSequence, message_id AS messageId,
       digest, events_position AS events, catalog_position AS catalog, letters_position AS letters,
       read_from AS readFrom FROM log_marks ORDER BY id DESC`,
  );
  const insert = sql.prepare<unknown[]>(
    `INSERT INTO log_marks (stream_id, stream_sequence, message_id, digest, events_position,
       catalog_position, letters_position, read_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const remove = sql.prepare<[number]>('DELETE FROM log_marks WHERE id = ?');
  const add = sql.transaction((mark: LogMark): void => {
    const { streamId, streamSequence, messageId, digest, readFrom } = mark;
    const { events, catalog, letters } = mark.published;
    insert.run(streamId, streamSequence, messageId, digest, events, catalog, letters, readFrom);
    const marks = all.all();
    if (marks.length <= maxMarks) return;
    for (const [index, { id }] of marks.entries()) {
      if (index >= denseMarks && index % 2 === 1) remove.run(id);
    }
  });
  return {
    /** The newest first. */
    marks: (): LogMark[] =>
      all.all().map(({ id: _, events, catalog, letters, ...mark }) => ({
        ...mark,
        published: { events, catalog, letters },
      })),
    addMark: (mark: LogMark): void => add(mark),
  };
};
