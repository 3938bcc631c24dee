/**
 * The tables of the read model, and how its file is opened.
 *
 * 1. Nothing here is a source of truth: a file of another schema version or workspace is dropped and built again.
 * 2. `position` and the rows that follow from it are written in one transaction, so each event counts exactly once.
 */
import { limitLog, protectDatabase } from '@signalbox/data-folder';
import Database from 'better-sqlite3';

export type ReadModelDatabase = Database.Database;

/** Raise it with every change below. */
const schemaVersion = 7;

const tables = `
CREATE TABLE position (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  workspace TEXT NOT NULL,
  stream_id TEXT,
  stream_sequence INTEGER NOT NULL,
  stored_at INTEGER,
  subject TEXT,
  catalog_sequence INTEGER NOT NULL
);
CREATE TABLE runs (
  run_id TEXT PRIMARY KEY,
  workflow_id TEXT NOT NULL,
  workflow_version INTEGER NOT NULL,
  workflow_digest TEXT NOT NULL,
  status TEXT NOT NULL,
  input TEXT NOT NULL,
  output TEXT,
  error TEXT,
  started_by TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  idempotency_key TEXT,
  parent_run_id TEXT,
  parent_step_id TEXT,
  root_run_id TEXT,
  root_depth INTEGER
) WITHOUT ROWID;
CREATE INDEX runs_newest ON runs (started_at, run_id);
CREATE INDEX runs_of_workflow ON runs (workflow_id, started_at, run_id);
CREATE INDEX runs_of_status ON runs (status, started_at, run_id);
CREATE INDEX runs_of_family ON runs (root_run_id, started_at, run_id) WHERE root_run_id NOTNULL;
CREATE TABLE steps (
  run_id TEXT NOT NULL,
  step_id TEXT NOT NULL,
  began_sequence INTEGER NOT NULL,
  scope TEXT NOT NULL,
  state TEXT NOT NULL,
  visit INTEGER NOT NULL,
  kind TEXT NOT NULL,
  action TEXT,
  target TEXT,
  status TEXT NOT NULL,
  attempt INTEGER,
  scheduled_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  retry_at INTEGER,
  worker TEXT,
  error TEXT,
  warnings TEXT,
  matched INTEGER,
  next TEXT,
  child_run_id TEXT,
  PRIMARY KEY (run_id, step_id)
) WITHOUT ROWID;
CREATE INDEX steps_in_order ON steps (run_id, began_sequence, step_id);
CREATE TABLE events (
  stream_sequence INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  type TEXT NOT NULL,
  at INTEGER NOT NULL,
  causation_id TEXT,
  data TEXT NOT NULL
);
CREATE UNIQUE INDEX events_of_run ON events (run_id, sequence);
CREATE TABLE held_events (
  history TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  stream_sequence INTEGER NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (history, sequence)
) WITHOUT ROWID;
CREATE TABLE catalog_events (
  sequence INTEGER PRIMARY KEY,
  stream_sequence INTEGER NOT NULL,
  digest TEXT NOT NULL
);
CREATE TABLE contradictions (
  stream_sequence INTEGER PRIMARY KEY
);
CREATE TABLE approvals (
  run_id TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  step_id TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  requested_sequence INTEGER NOT NULL,
  status TEXT NOT NULL,
  message TEXT NOT NULL,
  summary TEXT,
  summary_digest TEXT NOT NULL,
  approvers TEXT NOT NULL,
  quorum INTEGER NOT NULL,
  allow_requester INTEGER NOT NULL,
  requested_by TEXT NOT NULL,
  requested_at INTEGER NOT NULL,
  expires_at INTEGER,
  endorsements TEXT NOT NULL,
  decided_by TEXT,
  decided_at INTEGER,
  comment TEXT,
  data TEXT,
  PRIMARY KEY (run_id, approval_id)
) WITHOUT ROWID;
CREATE INDEX approvals_in_order ON approvals (run_id, requested_sequence, approval_id);
CREATE INDEX approvals_newest ON approvals (status, requested_at, run_id, approval_id);
CREATE TABLE quarantines (
  run_id TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE refused_starts (
  run_id TEXT PRIMARY KEY,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE workflows (
  workflow_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  label TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  digest TEXT NOT NULL,
  source TEXT NOT NULL,
  warnings TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  deleted_at INTEGER,
  PRIMARY KEY (workflow_id, version)
) WITHOUT ROWID;
CREATE TABLE agents (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  digest TEXT NOT NULL,
  source TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE teams (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  teams TEXT NOT NULL,
  source TEXT NOT NULL,
  digest TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL
);
CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY,
  stream TEXT NOT NULL,
  subject TEXT NOT NULL,
  consumer TEXT NOT NULL,
  delivery_count INTEGER NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  reported_by TEXT NOT NULL,
  at INTEGER NOT NULL,
  payload TEXT NOT NULL,
  payload_bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE dead_letter_ends (
  id TEXT PRIMARY KEY,
  outcome TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX dead_letters_newest ON dead_letters (at, id);
`;

/** Every checkpoint syncs: 64 MiB of log between two of them, where the disk has the room, instead of 4. */
const checkpointPages = 16_384;

/** Opens the file, or makes it; `:memory:` is a private one in memory. The caller closes it. */
export const openReadModelDatabase = (path: string, workspace: string): ReadModelDatabase => {
  if (path !== ':memory:') protectDatabase(path);
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  // A crash of the machine may lose the last transactions whole: the position goes back with them, and they come again.
  db.pragma('synchronous = NORMAL');
  limitLog(db, checkpointPages);
  db.pragma('cache_size = -65536');
  if (!isUsable(db, workspace)) resetReadModel(db, workspace);
  return db;
};

const isUsable = (db: ReadModelDatabase, workspace: string): boolean => {
  if (db.pragma('user_version', { simple: true }) !== schemaVersion) return false;
  const row = db.prepare<[], { workspace: string }>('SELECT workspace FROM position').get();
  return row?.workspace === workspace;
};

/** Drops every table and begins again before the first event. */
export const resetReadModel = (db: ReadModelDatabase, workspace: string): void => {
  db.transaction(() => {
    const names = db
      .prepare<[], { name: string }>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
      )
      .all();
    for (const { name } of names) db.exec(`DROP TABLE "${name.replaceAll('"', '""')}"`);
    db.exec(tables);
    db.prepare('INSERT INTO position VALUES (1, ?, NULL, 0, NULL, NULL, 0)').run(workspace);
    db.pragma(`user_version = ${schemaVersion}`);
  })();
};
