/** The runs that have stopped the process, how often, and what came for them since they are left alone. */
import type { Database } from 'better-sqlite3';

/** A run or message that has stopped the process this often is left alone until an operator looks. */
export const maxCrashCount = 3;

export interface CrashedRun {
  readonly runId: string;
  readonly workspace: string;
  readonly reason: string;
}

/** A quarantine that everybody has been told of. */
export interface Announced extends CrashedRun {
  readonly at: number;
}

export interface SetAsideMessage {
  readonly subject: string;
  readonly payload: string;
}

export type CrashStore = ReturnType<typeof createCrashStore>;

export const createCrashStore = (sql: Database) => {
  const upsert = sql.prepare<[string, string, string]>(
    `INSERT INTO run_crashes (run_id, workspace, count, reason) VALUES (?, ?, 1, ?)
     ON CONFLICT DO UPDATE SET count = count + 1, reason = excluded.reason`,
  );
  const quarantined = sql
    .prepare<[number], string>('SELECT run_id FROM run_crashes WHERE count >= ?')
    .pluck();
  const unannounced = sql.prepare<[number], CrashedRun>(
    'SELECT run_id AS runId, workspace, reason FROM run_crashes WHERE count >= ? AND announced_at IS NULL',
  );
  const announced = sql.prepare<[number, string]>('UPDATE run_crashes SET announced_at = ? WHERE run_id = ?');
  const find = sql.prepare<[string], CrashedRun>(
    'SELECT run_id AS runId, workspace, reason FROM run_crashes WHERE run_id = ?',
  );
  const forget = sql.prepare<[string]>('DELETE FROM run_crashes WHERE run_id = ?');
  const upsertMessage = sql.prepare<[string, string]>(
    `INSERT INTO message_crashes (message_id, count, reason) VALUES (?, 1, ?)
     ON CONFLICT DO UPDATE SET count = count + 1, reason = excluded.reason`,
  );
  const messages = sql
    .prepare<[number], string>('SELECT message_id FROM message_crashes WHERE count >= ?')
    .pluck();
  const setAside = sql.prepare<[string, string, string]>(
    'INSERT INTO set_aside_messages (run_id, subject, payload) VALUES (?, ?, ?)',
  );
  const takeBack = sql.prepare<[string], SetAsideMessage>(
    'SELECT subject, payload FROM set_aside_messages WHERE run_id = ? ORDER BY position',
  );
  const dropSetAside = sql.prepare<[string]>('DELETE FROM set_aside_messages WHERE run_id = ?');
  const notice = sql.prepare<[string]>(
    'INSERT INTO quarantine_notices (id) VALUES (?) ON CONFLICT DO NOTHING',
  );
  const quarantine = sql.prepare<[string, string, number, string, number]>(
    `INSERT INTO run_crashes (run_id, workspace, count, reason, announced_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET count = excluded.count, reason = excluded.reason, announced_at = excluded.announced_at`,
  );
  const quarantineUnusable = sql.prepare<[number]>(
    `INSERT INTO run_crashes (run_id, workspace, count, reason)
     SELECT r.run_id, r.workspace, ?, 'version ' || d.version || ' of workflow "' || d.id || '" does not compile in this release: ' || d.problem
     FROM workflow_runs AS r JOIN workflow_definitions AS d
       ON d.workspace = r.workspace AND d.id = r.workflow_id AND d.version = r.workflow_version
     WHERE r.ended_at IS NULL AND d.problem IS NOT NULL
     ON CONFLICT DO NOTHING`,
  );
  const allAnnounced = sql.prepare<[number], Announced>(
    `SELECT run_id AS runId, workspace, reason, announced_at AS at FROM run_crashes
     WHERE count >= ? AND announced_at IS NOT NULL ORDER BY announced_at, run_id`,
  );
  return {
    /** False for a notice that was sent, or taken in, before. */
    noteNotice: (id: string): boolean => notice.run(id).changes === 1,
    /** As the log tells. */
    quarantine: ({ runId, workspace, reason, at }: Announced): void => {
      quarantine.run(runId, workspace, maxCrashCount, reason, at);
    },
    /** At a start, of which nobody has been told. One that is quarantined stays as it is. */
    quarantineUnusable: (): void => {
      quarantineUnusable.run(maxCrashCount);
    },
    announced: (): Announced[] => allAnnounced.all(maxCrashCount),
    record: ({ runId, workspace, reason }: CrashedRun): void => {
      upsert.run(runId, workspace, reason);
    },
    quarantined: (): ReadonlySet<string> => new Set(quarantined.all(maxCrashCount)),
    /** For a message that belongs to no run. */
    recordMessage: (messageId: string, reason: string): void => {
      upsertMessage.run(messageId, reason);
    },
    setAsideMessages: (): ReadonlySet<string> => new Set(messages.all(maxCrashCount)),
    /** Quarantined runs of which nobody has been told yet. */
    unannounced: (): CrashedRun[] => unannounced.all(maxCrashCount),
    markAnnounced: (runId: string, at: number): void => {
      announced.run(at, runId);
    },
    find: (runId: string): CrashedRun | undefined => find.get(runId),
    setAside: (runId: string, { subject, payload }: SetAsideMessage): void => {
      setAside.run(runId, subject, payload);
    },
    /** Forgets the run and what was set aside for it, which is returned in the order in which it came. */
    release: (runId: string): SetAsideMessage[] => {
      const messages = takeBack.all(runId);
      dropSetAside.run(runId);
      forget.run(runId);
      return messages;
    },
  };
};
