/** What the projection says to SQLite, and how its answers look. */
import type BetterSqlite3 from 'better-sqlite3';
import type { ReadModelDatabase } from './schema.js';

type Statement<P extends unknown[], R = unknown> = BetterSqlite3.Statement<P, R>;

/** The stream that this read model is built from, and the last message of it that was applied. */
export interface Position {
  /** Null before anybody has said so. */
  readonly streamId: string | null;
  readonly streamSequence: number;
  /** Null where that is not known: the message was heard, and not read. */
  readonly storedAt: number | null;
  readonly subject: string | null;
}

interface HeldRow {
  sequence: number;
  stream_sequence: number;
  subject: string;
  text: string;
}

export interface ProjectionStatements {
  readonly position: Statement<[], Position & { catalogSequence: number }>;
  readonly begin: Statement<[]>;
  readonly commit: Statement<[]>;
  readonly rollback: Statement<[]>;
  readonly move: Statement<[number, number | null, string | null, number]>;
  readonly bind: Statement<[string]>;
  readonly addEvent: Statement<unknown[]>;
  readonly history: Statement<[string], { sequence: number; at: number; data: string }>;
  readonly event: Statement<
    [string, number],
    { at: number; causationId: string | null; data: string; streamSequence: number }
  >;
  readonly addCatalogEvent: Statement<[number, number, string]>;
  readonly catalogEvent: Statement<[number], { digest: string; streamSequence: number }>;
  readonly contradict: Statement<[number]>;
  readonly contradictionCount: Statement<[], number>;
  readonly refuseStart: Statement<[string, string, string, number]>;
  readonly hold: Statement<unknown[]>;
  readonly held: Statement<[string, number], HeldRow>;
  readonly dropHeld: Statement<[string, number]>;
  readonly anyHeld: Statement<[string]>;
  readonly heldHistories: Statement<[], string>;
}

export const prepareProjection = (db: ReadModelDatabase): ProjectionStatements => ({
  position: db.prepare(
    `SELECT stream_id AS streamId, stream_sequence AS streamSequence, stored_at AS storedAt, subject, catalog_sequence AS catalogSequence
     FROM position`,
  ),
  begin: db.prepare('BEGIN IMMEDIATE'),
  commit: db.prepare('COMMIT'),
  rollback: db.prepare('ROLLBACK'),
  move: db.prepare(
    'UPDATE position SET stream_sequence = ?, stored_at = ?, subject = ?, catalog_sequence = ?',
  ),
  bind: db.prepare('UPDATE position SET stream_id = ?'),
  addEvent: db.prepare(
    'INSERT INTO events (stream_sequence, run_id, sequence, type, at, causation_id, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
  ),
  history: db.prepare('SELECT sequence, at, data FROM events WHERE run_id = ? ORDER BY sequence'),
  event: db.prepare(
    `SELECT at, causation_id AS causationId, data, stream_sequence AS streamSequence FROM events
     WHERE run_id = ? AND sequence = ?`,
  ),
  addCatalogEvent: db.prepare(
    'INSERT INTO catalog_events (sequence, stream_sequence, digest) VALUES (?, ?, ?)',
  ),
  catalogEvent: db.prepare(
    'SELECT digest, stream_sequence AS streamSequence FROM catalog_events WHERE sequence = ?',
  ),
  contradict: db.prepare('INSERT INTO contradictions (stream_sequence) VALUES (?) ON CONFLICT DO NOTHING'),
  contradictionCount: db.prepare<[], number>('SELECT count(*) FROM contradictions').pluck(),
  // The newest refusal counts: a start that is sent again may be refused for another reason.
  refuseStart: db.prepare(
    'INSERT OR REPLACE INTO refused_starts (run_id, code, message, at) VALUES (?, ?, ?, ?)',
  ),
  hold: db.prepare(
    `INSERT INTO held_events (history, sequence, stream_sequence, subject, text) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  ),
  held: db.prepare('SELECT * FROM held_events WHERE history = ? AND sequence = ?'),
  dropHeld: db.prepare('DELETE FROM held_events WHERE history = ? AND sequence = ?'),
  anyHeld: db.prepare('SELECT 1 FROM held_events WHERE history = ? LIMIT 1'),
  heldHistories: db.prepare<[], string>('SELECT DISTINCT history FROM held_events').pluck(),
});
