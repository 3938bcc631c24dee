/** What the log has to hold as long as it is open, and how much that is. */
import type { DeadLetterReport, RunKey } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';
import type { RunEventRow } from '../wire/event-codec.js';
import { aroundBytes, type StoredDeadLetter } from './log-store.js';

export type OpenStore = ReturnType<typeof createOpenStore>;

const openLetter = `NOT EXISTS (SELECT 1 FROM dead_letter_ends AS e
  WHERE e.workspace = dead_letters.workspace AND e.id = dead_letters.id)`;

export const createOpenStore = (sql: Database) => {
  const runKeys = sql
    .prepare<[], RunKey>(
      'SELECT run_key FROM workflow_runs WHERE ended_at IS NULL ORDER BY started_at, run_key',
    )
    .pluck();
  const events = sql.prepare<[RunKey, number, number], RunEventRow>(
    'SELECT * FROM workflow_run_events WHERE run_key = ? AND seq > ? ORDER BY seq LIMIT ?',
  );
  const isPublished = sql
    .prepare<[RunKey], number>(
      `SELECT max(position) <= (SELECT events_position FROM relay) FROM workflow_run_events
       WHERE run_key = ?`,
    )
    .pluck();
  const runBytes = sql
    .prepare<[RunKey], number>(
      `SELECT coalesce(sum(octet_length(data) + ${aroundBytes}), 0) FROM workflow_run_events WHERE run_key = ?`,
    )
    .pluck();
  const catalogBytes = sql
    .prepare<[], number>(
      `SELECT (SELECT coalesce(sum(octet_length(data) + ${aroundBytes}), 0) FROM catalog_events)
         + (SELECT coalesce(sum(octet_length(payload) + octet_length(reason) + ${aroundBytes}), 0)
            FROM dead_letters WHERE ${openLetter})`,
    )
    .pluck();
  const letters = sql.prepare<[number, number], DeadLetterReport & { position: number }>(
    `SELECT position, id, workspace, stream, subject, consumer, delivery_count AS deliveryCount, code, reason,
       reported_by AS reportedBy, at, payload, payload_bytes AS payloadBytes FROM dead_letters
     WHERE position > ? AND ${openLetter} ORDER BY position LIMIT ?`,
  );
  return {
    /** Of runs that have not ended, the oldest first. */
    runKeys: (): RunKey[] => runKeys.all(),
    eventsBehind: (runKey: RunKey, seq: number, limit: number): RunEventRow[] =>
      events.all(runKey, seq, limit),
    /** Whether all that has happened in the run is known to be in the log. */
    isPublished: (runKey: RunKey): boolean => isPublished.get(runKey) === 1,
    bytesOf: (runKey: RunKey): number => runBytes.get(runKey) ?? 0,
    /** With the dead letters of which nobody has said what becomes of them. */
    catalogBytes: (): number => catalogBytes.get() ?? 0,
    deadLettersBehind: (position: number, limit: number): StoredDeadLetter[] =>
      letters.all(position, limit).map(({ position, ...report }) => ({ position, report })),
  };
};
