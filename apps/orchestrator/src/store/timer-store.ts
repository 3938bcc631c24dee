/** Durable timers. Read once at start; which of them is due is known from memory (`timers.ts`). */
import type { TimerPurpose } from '@signalbox/engine';
import type { RunKey } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';

export interface Timer {
  readonly runKey: RunKey;
  readonly timerId: string;
  readonly dueAt: number;
  readonly purpose: TimerPurpose;
}

interface Row {
  readonly run_key: RunKey;
  readonly timer_id: string;
  readonly due_at: number;
  readonly purpose: string;
}

export type TimerStore = ReturnType<typeof createTimerStore>;

export const createTimerStore = (sql: Database) => {
  const upsert = sql.prepare<[RunKey, string, number, string]>(
    `INSERT INTO timers (run_key, timer_id, due_at, purpose) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET due_at = excluded.due_at, purpose = excluded.purpose`,
  );
  const remove = sql.prepare<[RunKey, string]>('DELETE FROM timers WHERE run_key = ? AND timer_id = ?');
  const removeOfRun = sql.prepare<[RunKey]>('DELETE FROM timers WHERE run_key = ?');
  const all = sql.prepare<[], Row>('SELECT * FROM timers');
  const makeEarlier = sql.prepare<[number]>('UPDATE timers SET due_at = due_at - ?');
  const noteSetBack = sql.prepare(
    `INSERT INTO settings (name, value) SELECT 'clock-set-back', coalesce(max(position), 0) FROM workflow_run_events WHERE true
     ON CONFLICT DO UPDATE SET value = excluded.value`,
  );
  const bringForward = sql.transaction((ms: number): void => {
    makeEarlier.run(ms);
    noteSetBack.run();
  });
  const lastRecordedAt = sql
    .prepare<[], number>(
      `SELECT at FROM workflow_run_events
       WHERE position > coalesce((SELECT value FROM settings WHERE name = 'clock-set-back'), 0)
       ORDER BY position DESC LIMIT 1`,
    )
    .pluck();
  return {
    set: (timer: Timer): void => {
      upsert.run(timer.runKey, timer.timerId, timer.dueAt, JSON.stringify(timer.purpose));
    },
    cancel: (runKey: RunKey, timerId: string): void => {
      remove.run(runKey, timerId);
    },
    cancelAll: (runKey: RunKey): void => {
      removeOfRun.run(runKey);
    },
    /** The clock was set back by so much: all of them are due so much earlier. */
    bringForward: (ms: number): void => bringForward(ms),
    /** By the clock as it is now, as far as is known: when the newest event was recorded. */
    lastRecordedAt: (): number | undefined => lastRecordedAt.get(),
    all: (): Timer[] =>
      all.all().map((row) => ({
        runKey: row.run_key,
        timerId: row.timer_id,
        dueAt: row.due_at,
        purpose: JSON.parse(row.purpose) as TimerPurpose,
      })),
  };
};
