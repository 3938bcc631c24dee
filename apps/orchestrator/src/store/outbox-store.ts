/**
 * What is committed and not yet known to be published.
 *
 * 1. Requests, commands, withdrawals and notices wait in `outbox`, in the order of their positions; a row goes when it is
 *    published.
 * 2. Run events need no second copy: `relay.events_position` is the position up to which they are published. Tasks of
 *    steps need none either: a step that is open has a row, and its task is sent again where it is not in the queue.
 * 3. Positions only grow within the life of a process; both marks are moved in somebody else's transaction.
 */
import { headers, type WireMessage } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';

export type OutboxEntry =
  | {
      readonly kind: 'message';
      readonly subject: string;
      readonly messageId: string;
      readonly idempotencyKey?: string;
      readonly payload: string;
      /** It may have been stored before. */
      readonly repeated?: true;
    }
  | Withdrawal;

/** Take back the task on a subject; with a key, only the one that carries it: a later attempt has the same subject. */
export interface Withdrawal {
  readonly kind: 'withdrawal';
  readonly subject: string;
  readonly idempotencyKey?: string;
}

export type MessageEntry = Extract<OutboxEntry, { kind: 'message' }>;

export const messageEntry = (message: WireMessage): MessageEntry => {
  const idempotencyKey = message.headers[headers.idempotencyKey];
  return {
    kind: 'message',
    subject: message.subject,
    messageId: message.id,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    payload: message.data,
  };
};

/** Up to and including these positions everything is published. */
export interface PublishedMarks {
  readonly outbox: number;
  readonly events: number;
}

interface Row {
  readonly position: number;
  readonly kind: 'message' | 'withdrawal';
  readonly subject: string;
  readonly message_id: string | null;
  readonly idempotency_key: string | null;
  readonly payload: string | null;
  readonly repeated: 0 | 1;
}

export type OutboxStore = ReturnType<typeof createOutboxStore>;

export const createOutboxStore = (sql: Database) => {
  const insert = sql.prepare<unknown[]>(
    'INSERT INTO outbox (position, kind, subject, message_id, idempotency_key, payload, repeated) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const remove = sql.prepare<[number]>('DELETE FROM outbox WHERE position <= ?');
  const mark = sql.prepare<[number]>('UPDATE relay SET events_position = max(events_position, ?)');
  const all = sql.prepare<[], Row>('SELECT * FROM outbox ORDER BY position');
  const last = sql.prepare<[], number>('SELECT coalesce(max(position), 0) FROM outbox').pluck();
  const eventsPosition = sql.prepare<[], number>('SELECT events_position FROM relay').pluck();
  let position = last.get() ?? 0;

  return {
    add: (entry: OutboxEntry): void => {
      position += 1;
      const { kind, subject } = entry;
      const sent = entry.kind === 'message' ? entry : undefined;
      insert.run(
        position,
        kind,
        subject,
        sent?.messageId ?? null,
        entry.idempotencyKey ?? null,
        sent?.payload ?? null,
        sent?.repeated === true ? 1 : 0,
      );
    },
    lastPosition: (): number => position,
    /** After a transaction that was rolled back: to where it began. */
    rewind: (to: number): void => {
      position = to;
    },
    publishedEvents: (): number => eventsPosition.get() ?? 0,
    markPublished: (marks: PublishedMarks): void => {
      remove.run(marks.outbox);
      mark.run(marks.events);
    },
    waiting: (): OutboxEntry[] => all.all().map(fromRow),
  };
};

const fromRow = (row: Row): OutboxEntry => {
  const { kind, subject } = row;
  const key = row.idempotency_key === null ? {} : { idempotencyKey: row.idempotency_key };
  return kind === 'withdrawal'
    ? { kind, subject, ...key }
    : {
        kind,
        subject,
        messageId: row.message_id ?? '',
        ...key,
        payload: row.payload ?? '',
        ...(row.repeated === 1 ? { repeated: true } : {}),
      };
};
