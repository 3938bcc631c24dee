/** Durable timers. Read once at start; which of them is due is known from memory (`timers.ts`). */
import type { TimerPurpose } from '@signalbox/engine';
import type { Database } from 'better-sqlite3';

export interface Timer {
  readonly runId: string;
  readonly timerId: string;
  readonly dueAt: number;
  readonly purpose: TimerPurpose;
}

interface Row {
  readonly run_id: string;
  readonly timer_id: string;
  readonly due_at: number;
  readonly purpose: string;
}

export type TimerStore = ReturnType<typeof createTimerStore>;

export const createTimerStore = (sql: Database) => {
  const upsert = sql.prepare<[string, string, number, string]>(
    `INSERT INTO timers (run_id, timer_id, due_at, purpose) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET due_at = excluded.due_at, purpose = excluded.purpose`,
  );
  const remove = sql.prepare<[string, string]>('DELETE FROM timers WHERE run_id = ? AND timer_id = ?');
  const removeOfRun = sql.prepare<[string]>('DELETE FROM timers WHERE run_id = ?');
  const all = sql.prepare<[], Row>('SELECT * FROM timers');
  return {
    set: (timer: Timer): void => {
      upsert.run(timer.runId, timer.timerId, timer.dueAt, JSON.stringify(timer.purpose));
    },
    cancel: (runId: string, timerId: string): void => {
      remove.run(runId, timerId);
    },
    cancelAll: (runId: string): void => {
      removeOfRun.run(runId);
    },
    all: (): Timer[] =>
      all.all().map((row) => ({
        runId: row.run_id,
        timerId: row.timer_id,
        dueAt: row.due_at,
        purpose: JSON.parse(row.purpose) as TimerPurpose,
      })),
  };
};
