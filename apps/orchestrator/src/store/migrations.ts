/**
 * The schema, as numbered steps. A step that has shipped is never edited; a change is a new step.
 * All instants are milliseconds since the Unix epoch; all JSON is text.
 */
import { createHash } from 'node:crypto';
import { CannotRun } from '@signalbox/service';
import type { Database } from 'better-sqlite3';

const schemaOfCatalog = `
  CREATE TABLE workflow_definitions (
    workspace   TEXT NOT NULL,
    id          TEXT NOT NULL,
    version     INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    name        TEXT NOT NULL,
    label       TEXT NOT NULL,
    plan        TEXT,
    -- Why this release cannot compile it; then there is no plan.
    problem     TEXT,
    created_at  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    deleted_at  INTEGER,
    PRIMARY KEY (workspace, id, version)
  );
  CREATE TABLE agents (
    workspace   TEXT NOT NULL,
    name        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    definition  TEXT NOT NULL,
    problem     TEXT,
    created_at  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    deleted_at  INTEGER,
    PRIMARY KEY (workspace, name, version)
  );
  CREATE TABLE teams (
    workspace   TEXT PRIMARY KEY,
    digest      TEXT NOT NULL,
    teams       TEXT NOT NULL,
    updated_at  INTEGER NOT NULL,
    updated_by  TEXT NOT NULL
  );
  CREATE TABLE catalog_events (
    position      INTEGER PRIMARY KEY,
    workspace     TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    type          TEXT NOT NULL,
    data          TEXT NOT NULL,
    causation_id  TEXT,
    UNIQUE (workspace, seq)
  );
`;

const schemaOfRuns = `
  CREATE TABLE workflow_runs (
    -- workspace/run_id: a run id counts within its workspace.
    run_key           TEXT PRIMARY KEY,
    workspace         TEXT NOT NULL,
    run_id            TEXT NOT NULL,
    workflow_id       TEXT NOT NULL,
    workflow_version  INTEGER NOT NULL,
    status            TEXT NOT NULL,
    -- Of the last event that has changed the status.
    seq               INTEGER NOT NULL,
    started_by        TEXT NOT NULL,
    started_at        INTEGER NOT NULL,
    ended_at          INTEGER,
    error             TEXT,
    idempotency_key   TEXT,
    parent_run_id     TEXT,
    -- Of a child run, linked or not; null: the run is a root run itself.
    root_run_id       TEXT
  ) WITHOUT ROWID;
  -- What the histories say, counted: how many child runs have been ordered below a root run.
  CREATE TABLE run_families (
    root_run_key     TEXT PRIMARY KEY,
    child_run_count  INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX workflow_runs_not_ended ON workflow_runs (workspace, workflow_id) WHERE ended_at IS NULL;

  CREATE TABLE workflow_run_events (
    position      INTEGER PRIMARY KEY,
    run_key       TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    type          TEXT NOT NULL,
    data          TEXT NOT NULL,
    causation_id  TEXT,
    UNIQUE (run_key, seq)
  );
  CREATE TABLE run_snapshots (
    run_key  TEXT PRIMARY KEY,
    seq      INTEGER NOT NULL,
    state    TEXT NOT NULL
  );
  -- What is over is in the events alone: a table of all steps would have a page of its own written for each of them.
  CREATE TABLE open_steps (
    run_key       TEXT NOT NULL,
    step_id       TEXT NOT NULL,
    kind          TEXT NOT NULL,
    status        TEXT NOT NULL,
    attempt       INTEGER NOT NULL,
    scheduled_at  INTEGER,
    PRIMARY KEY (run_key, step_id)
  ) WITHOUT ROWID;
  CREATE TABLE workflow_approvals (
    run_key       TEXT NOT NULL,
    approval_id   TEXT NOT NULL,
    step_id       TEXT NOT NULL,
    status        TEXT NOT NULL,
    message       TEXT NOT NULL,
    requested_at  INTEGER NOT NULL,
    expires_at    INTEGER,
    decided_at    INTEGER,
    decided_by    TEXT,
    PRIMARY KEY (run_key, approval_id)
  ) WITHOUT ROWID;
  CREATE TABLE timers (
    run_key   TEXT NOT NULL,
    timer_id  TEXT NOT NULL,
    due_at    INTEGER NOT NULL,
    purpose   TEXT NOT NULL,
    PRIMARY KEY (run_key, timer_id)
  ) WITHOUT ROWID;
  CREATE TABLE run_crashes (
    run_key       TEXT PRIMARY KEY,
    count         INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    announced_at  INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE quarantine_notices (
    id  TEXT PRIMARY KEY
  ) WITHOUT ROWID;
  CREATE TABLE message_crashes (
    message_id  TEXT PRIMARY KEY,
    count       INTEGER NOT NULL,
    reason      TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE set_aside_messages (
    position  INTEGER PRIMARY KEY,
    run_key   TEXT NOT NULL,
    subject   TEXT NOT NULL,
    payload   TEXT NOT NULL
  );
`;

const schemaOfTransport = `
  CREATE TABLE inbox (
    command_id   TEXT PRIMARY KEY,
    received_at  INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX inbox_by_age ON inbox (received_at);
  CREATE TABLE outbox (
    position         INTEGER PRIMARY KEY,
    kind             TEXT NOT NULL CHECK (kind IN ('message', 'withdrawal')),
    subject          TEXT NOT NULL,
    message_id       TEXT,
    idempotency_key  TEXT,
    payload          TEXT,
    repeated         INTEGER NOT NULL
  );
  CREATE TABLE relay (
    id                INTEGER PRIMARY KEY CHECK (id = 1),
    events_position   INTEGER NOT NULL,
    tasks_stream_id   TEXT
  );
  INSERT INTO relay (id, events_position) VALUES (1, 0);
  CREATE TABLE log_marks (
    id                 INTEGER PRIMARY KEY,
    stream_id          TEXT NOT NULL,
    stream_sequence    INTEGER NOT NULL,
    message_id         TEXT NOT NULL,
    digest             TEXT NOT NULL,
    events_position    INTEGER NOT NULL,
    catalog_position   INTEGER NOT NULL,
    letters_position   INTEGER NOT NULL,
    read_from          INTEGER NOT NULL
  );
  CREATE TABLE dead_letters (
    position       INTEGER PRIMARY KEY,
    workspace      TEXT NOT NULL,
    id             TEXT NOT NULL,
    stream         TEXT NOT NULL,
    subject        TEXT NOT NULL,
    consumer       TEXT NOT NULL,
    delivery_count INTEGER NOT NULL,
    code           TEXT NOT NULL,
    reason         TEXT NOT NULL,
    reported_by    TEXT NOT NULL,
    at             INTEGER NOT NULL,
    payload        TEXT NOT NULL,
    payload_bytes  INTEGER NOT NULL,
    UNIQUE (workspace, id)
  );
  -- Apart, because the log may be taken in with the catalog first.
  CREATE TABLE dead_letter_ends (
    workspace  TEXT NOT NULL,
    id         TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    PRIMARY KEY (workspace, id)
  ) WITHOUT ROWID;
  CREATE TABLE settings (
    name   TEXT PRIMARY KEY,
    value  BLOB NOT NULL
  ) WITHOUT ROWID;
`;

const digestOf = (sql = ''): string => createHash('sha256').update(sql).digest('hex');

const migrations: readonly string[] = [schemaOfCatalog + schemaOfRuns + schemaOfTransport];

/** Brings the schema to the newest step, each step in its own transaction. @throws CannotRun for the schema of another release */
export const migrate = (database: Database, now: number): void => {
  database.exec(
    'CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL, digest TEXT)',
  );
  const steps = database.prepare<[], { number: number; digest?: string | null }>('SELECT * FROM migrations');
  const known = steps.all();
  const applied = Math.max(0, ...known.map(({ number }) => number));
  if (applied > migrations.length)
    throw new CannotRun(
      78,
      `the database ${database.name} has schema ${applied}, this release knows ${migrations.length}: run the newer release`,
    );
  // Between releases steps are still edited.
  if (known.some(({ number, digest }) => digest !== digestOf(migrations[number - 1])))
    throw new CannotRun(
      78,
      `the database ${database.name} was made between two releases, with tables that none has: remove it, with what NATS keeps beside it`,
    );
  const record = database.prepare('INSERT INTO migrations (number, applied_at, digest) VALUES (?, ?, ?)');
  const apply = database.transaction((number: number, sql: string) => {
    database.exec(sql);
    record.run(number, now, digestOf(sql));
  });
  for (const [index, sql] of migrations.entries()) {
    if (index >= applied) apply.immediate(index + 1, sql);
  }
};
