/** Messages that nobody could handle, kept for an operator; and the runs that have stopped the process. */
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

/** A run or message that has stopped the process this often is left alone until an operator looks. */
export const maxCrashCount = 3;

export type CrashStore = ReturnType<typeof createCrashStore>;

export const createCrashStore = (sql: Database) => {
  const upsert = sql.prepare<[string, string]>(
    `INSERT INTO run_crashes (run_id, count, reason) VALUES (?, 1, ?)
     ON CONFLICT DO UPDATE SET count = count + 1, reason = excluded.reason`,
  );
  const quarantined = sql
    .prepare<[number], string>('SELECT run_id FROM run_crashes WHERE count >= ?')
    .pluck();
  const upsertMessage = sql.prepare<[string, string]>(
    `INSERT INTO message_crashes (message_id, count, reason) VALUES (?, 1, ?)
     ON CONFLICT DO UPDATE SET count = count + 1, reason = excluded.reason`,
  );
  const setAside = sql
    .prepare<[number], string>('SELECT message_id FROM message_crashes WHERE count >= ?')
    .pluck();
  return {
    record: (runId: string, reason: string): void => {
      upsert.run(runId, reason);
    },
    quarantined: (): ReadonlySet<string> => new Set(quarantined.all(maxCrashCount)),
    /** For a message that belongs to no run. */
    recordMessage: (messageId: string, reason: string): void => {
      upsertMessage.run(messageId, reason);
    },
    setAside: (): ReadonlySet<string> => new Set(setAside.all(maxCrashCount)),
  };
};
