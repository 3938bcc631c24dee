/** Messages that nobody could handle, kept for an operator. */
import type { DeadLetterReport } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';

export type DeadLetterStore = ReturnType<typeof createDeadLetterStore>;

export const createDeadLetterStore = (sql: Database) => {
  const insert = sql.prepare<unknown[]>(
    `INSERT INTO dead_letters (id, workspace, stream, subject, consumer, delivery_count, code, reason, reported_by, at, payload, payload_bytes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  return {
    /** False when the same message is recorded already. */
    add: (r: DeadLetterReport): boolean =>
      insert.run(
        r.id,
        r.workspace,
        r.stream,
        r.subject,
        r.consumer,
        r.deliveryCount,
        r.code,
        r.reason,
        r.reportedBy,
        r.at,
        r.payload,
        r.payloadBytes,
      ).changes === 1,
  };
};
