/** Messages that nobody could handle, kept for an operator. */
import type { DeadLetterReport } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';

export type DeadLetterStore = ReturnType<typeof createDeadLetterStore>;

/** What an operator has done with it. */
export interface DeadLetterEnd {
  readonly workspace: string;
  readonly id: string;
  readonly outcome: 'retried' | 'dropped';
  readonly at: number;
  readonly actor: string;
}

export type KeptMessage = Pick<
  DeadLetterReport,
  'stream' | 'subject' | 'reportedBy' | 'payload' | 'payloadBytes'
>;

export const createDeadLetterStore = (sql: Database) => {
  const insert = sql.prepare<unknown[]>(
    `INSERT INTO dead_letters (id, workspace, stream, subject, consumer, delivery_count, code, reason, reported_by, at, payload, payload_bytes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const find = sql.prepare<[string, string], KeptMessage>(
    `SELECT stream, subject, reported_by AS reportedBy, payload, payload_bytes AS payloadBytes
     FROM dead_letters WHERE workspace = ? AND id = ?`,
  );
  const ended = sql.prepare<[string, string], DeadLetterEnd>(
    'SELECT * FROM dead_letter_ends WHERE workspace = ? AND id = ?',
  );
  const end = sql.prepare<[string, string, string, number, string]>(
    'INSERT INTO dead_letter_ends (workspace, id, outcome, at, actor) VALUES (?, ?, ?, ?, ?)',
  );
  return {
    find: (workspace: string, id: string): KeptMessage | undefined => find.get(workspace, id),
    endOf: (workspace: string, id: string): DeadLetterEnd | undefined => ended.get(workspace, id),
    end: ({ workspace, id, outcome, at, actor }: DeadLetterEnd): void => {
      end.run(workspace, id, outcome, at, actor);
    },
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
