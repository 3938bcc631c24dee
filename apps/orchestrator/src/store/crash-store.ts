/** The runs that have stopped the process, how often, and what came for them since they are left alone. */
import type { RunKey } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';

/** A run or message that has stopped the process this often is left alone until an operator looks. */
export const maxCrashCount = 3;

export interface CrashedRun {
  readonly runKey: RunKey;
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
  const upsert = sql.prepare<[RunKey, string]>(
    `INSERT INTO run_crashes (run_key, count, reason) VALUES (?, 1, ?)
     ON CONFLICT DO UPDATE SET count = count + 1, reason = excluded.reason`,
  );
  const quarantined = sql
    .prepare<[number], RunKey>('SELECT run_key FROM run_crashes WHERE count >= ?')
    .pluck();
  const unannounced = sql.prepare<[number], CrashedRun>(
    'SELECT run_key AS runKey, reason FROM run_crashes WHERE count >= ? AND announced_at IS NULL',
  );
  const announced = sql.prepare<[number, RunKey]>(
    'UPDATE run_crashes SET announced_at = ? WHERE run_key = ?',
  );
  const find = sql.prepare<[RunKey], CrashedRun>(
    'SELECT run_key AS runKey, reason FROM run_crashes WHERE run_key = ?',
  );
  const forget = sql.prepare<[RunKey]>('DELETE FROM run_crashes WHERE run_key = ?');
  const upsertMessage = sql.prepare<[string, string]>(
    `INSERT INTO message_crashes (message_id, count, reason) VALUES (?, 1, ?)
     ON CONFLICT DO UPDATE SET count = count + 1, reason = excluded.reason`,
  );
  const messages = sql
    .prepare<[number], string>('SELECT message_id FROM message_crashes WHERE count >= ?')
    .pluck();
  const setAside = sql.prepare<[RunKey, string, string]>(
    'INSERT INTO set_aside_messages (run_key, subject, payload) VALUES (?, ?, ?)',
  );
  const takeBack = sql.prepare<[RunKey], SetAsideMessage>(
    'SELECT subject, payload FROM set_aside_messages WHERE run_key = ? ORDER BY position',
  );
  const dropSetAside = sql.prepare<[RunKey]>('DELETE FROM set_aside_messages WHERE run_key = ?');
  const notice = sql.prepare<[string]>(
    'INSERT INTO quarantine_notices (id) VALUES (?) ON CONFLICT DO NOTHING',
  );
  const quarantine = sql.prepare<[RunKey, number, string, number]>(
    `INSERT INTO run_crashes (run_key, count, reason, announced_at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET count = excluded.count, reason = excluded.reason, announced_at = excluded.announced_at`,
  );
  const quarantineUnusable = sql.prepare<[number]>(
    `INSERT INTO run_crashes (run_key, count, reason)
     SELECT r.run_key, ?, 'version ' || d.version || ' of workflow "' || d.id || '" does not compile in this release: ' || d.problem
     FROM workflow_runs AS r JOIN workflow_definitions AS d
       ON d.workspace = r.workspace AND d.id = r.workflow_id AND d.version = r.workflow_version
     WHERE r.ended_at IS NULL AND d.problem IS NOT NULL
     ON CONFLICT DO NOTHING`,
  );
  const quarantineForAgents = sql.prepare<[number]>(
    `INSERT INTO run_crashes (run_key, count, reason)
     SELECT r.run_key, ?, 'version ' || a.version || ' of agent "' || a.name || '" does not compile in this release: ' || a.problem
     FROM agents AS a JOIN workflow_runs AS r ON r.workspace = a.workspace AND r.ended_at IS NULL
     JOIN workflow_run_events AS e ON e.run_key = r.run_key AND e.seq = 1
     JOIN json_each(e.data, '$.pins.agents') AS pin ON pin.key = a.name AND pin.value = a.version
     WHERE a.problem IS NOT NULL
     ON CONFLICT DO NOTHING`,
  );
  const allAnnounced = sql.prepare<[number], Announced>(
    `SELECT run_key AS runKey, reason, announced_at AS at FROM run_crashes
     WHERE count >= ? AND announced_at IS NOT NULL ORDER BY announced_at, run_key`,
  );
  return {
    /** False for a notice that was sent, or taken in, before. */
    noteNotice: (id: string): boolean => notice.run(id).changes === 1,
    /** As the log tells. */
    quarantine: ({ runKey, reason, at }: Announced): void => {
      quarantine.run(runKey, maxCrashCount, reason, at);
    },
    /** At a start, of which nobody has been told. One that is quarantined stays as it is. */
    quarantineUnusable: (): void => {
      quarantineUnusable.run(maxCrashCount);
      quarantineForAgents.run(maxCrashCount);
    },
    announced: (): Announced[] => allAnnounced.all(maxCrashCount),
    record: ({ runKey, reason }: CrashedRun): void => {
      upsert.run(runKey, reason);
    },
    quarantined: (): ReadonlySet<RunKey> => new Set(quarantined.all(maxCrashCount)),
    /** For a message that belongs to no run. */
    recordMessage: (messageId: string, reason: string): void => {
      upsertMessage.run(messageId, reason);
    },
    setAsideMessages: (): ReadonlySet<string> => new Set(messages.all(maxCrashCount)),
    /** Quarantined runs of which nobody has been told yet. */
    unannounced: (): CrashedRun[] => unannounced.all(maxCrashCount),
    markAnnounced: (runKey: RunKey, at: number): void => {
      announced.run(at, runKey);
    },
    find: (runKey: RunKey): CrashedRun | undefined => find.get(runKey),
    setAside: (runKey: RunKey, { subject, payload }: SetAsideMessage): void => {
      setAside.run(runKey, subject, payload);
    },
    /** Forgets the run and what was set aside for it, which is returned in the order in which it came. */
    release: (runKey: RunKey): SetAsideMessage[] => {
      const messages = takeBack.all(runKey);
      dropSetAside.run(runKey);
      forget.run(runKey);
      return messages;
    },
  };
};
