/**
 * Definitions, agents and teams, every version of them; and the catalog's own history.
 *
 * 1. A version is never edited or reused: a put after a delete counts on from the last number.
 * 2. The sequence of a workspace's catalog events has no gap. What the author wrote is in these events, and only there.
 */
import type { Json, Plan } from '@signalbox/engine';
import type { CatalogEventMessage } from '@signalbox/protocol';
import type { KnownItem } from '@signalbox/validation';
import type { Database } from 'better-sqlite3';

export interface StoredVersion {
  readonly version: number;
  readonly digest: string;
  readonly isDeleted: boolean;
}

export interface NewWorkflow {
  readonly workspace: string;
  readonly id: string;
  readonly version: number;
  readonly digest: string;
  readonly name: string;
  readonly label: string;
  /** JSON; null where this release cannot compile the definition, and `problem` says why. */
  readonly plan: string | null;
  readonly problem?: string;
  readonly at: number;
  readonly actor: string;
}

export interface NewAgent {
  readonly workspace: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  /** Null where this release cannot read it, and `problem` says why. */
  readonly definition: Json;
  readonly problem?: string;
  readonly at: number;
  readonly actor: string;
}

export interface NewTeams {
  readonly workspace: string;
  readonly digest: string;
  readonly teams: Readonly<Record<string, readonly string[]>>;
  readonly at: number;
  readonly actor: string;
}

interface VersionRow {
  readonly version: number;
  readonly digest: string;
  readonly deleted_at: number | null;
}

const asVersion = (row: VersionRow | undefined): StoredVersion | undefined =>
  row && { version: row.version, digest: row.digest, isDeleted: row.deleted_at !== null };

export type WorkflowStore = ReturnType<typeof createWorkflowStore>;

export const createWorkflowStore = (sql: Database) => {
  const newest = sql.prepare<[string, string], VersionRow>(
    'SELECT version, digest, deleted_at FROM workflow_definitions WHERE workspace = ? AND id = ? ORDER BY version DESC LIMIT 1',
  );
  const one = sql.prepare<[string, string, number], VersionRow>(
    'SELECT version, digest, deleted_at FROM workflow_definitions WHERE workspace = ? AND id = ? AND version = ?',
  );
  const plan = sql
    .prepare<[string, string, number], string | null>(
      'SELECT plan FROM workflow_definitions WHERE workspace = ? AND id = ? AND version = ?',
    )
    .pluck();
  const problem = sql
    .prepare<[string, string, number], string | null>(
      'SELECT problem FROM workflow_definitions WHERE workspace = ? AND id = ? AND version = ?',
    )
    .pluck();
  const hasProblems = sql
    .prepare<[], number>('SELECT EXISTS (SELECT 1 FROM workflow_definitions WHERE problem IS NOT NULL)')
    .pluck();
  const current = sql.prepare<[string], { name: string; version: number; digest: string }>(
    `SELECT id AS name, version, digest FROM workflow_definitions AS a WHERE workspace = ? AND deleted_at IS NULL AND problem IS NULL
       AND version = (SELECT max(version) FROM workflow_definitions AS b WHERE b.workspace = a.workspace AND b.id = a.id)`,
  );
  const schemas = sql.prepare<[string, string, number], { input: string | null; output: string | null }>(
    `SELECT plan -> '$.inputSchema' AS input, plan -> '$.outputSchema' AS output
       FROM workflow_definitions WHERE workspace = ? AND id = ? AND version = ?`,
  );
  const insert = sql.prepare<unknown[]>(
    `INSERT INTO workflow_definitions (workspace, id, version, digest, name, label, plan, problem, created_at, created_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const remove = sql.prepare<[number, string, string]>(
    'UPDATE workflow_definitions SET deleted_at = ? WHERE workspace = ? AND id = ? AND deleted_at IS NULL',
  );
  return {
    newest: (workspace: string, id: string): StoredVersion | undefined =>
      asVersion(newest.get(workspace, id)),
    version: (workspace: string, id: string, version: number): StoredVersion | undefined =>
      asVersion(one.get(workspace, id, version)),
    /** Deleted versions too: runs that were started with one go on with it. */
    plan: (workspace: string, id: string, version: number): Plan | undefined => {
      const text = plan.get(workspace, id, version);
      return typeof text === 'string' ? (JSON.parse(text) as Plan) : undefined;
    },
    /** Why this release cannot compile it; undefined where it can. */
    problem: (workspace: string, id: string, version: number): string | undefined =>
      problem.get(workspace, id, version) ?? undefined,
    hasProblems: (): boolean => hasProblems.get() === 1,
    /** The newest versions, as far as another workflow that starts them needs to know: their schemas. */
    known: (workspace: string): KnownItem[] =>
      current.all(workspace).map(({ name, version, digest }) => ({
        name,
        digest,
        text: () => {
          const row = schemas.get(workspace, name, version);
          const fields = [
            ['inputSchema', row?.input],
            ['outputSchema', row?.output],
          ].filter(([, text]) => typeof text === 'string');
          return `{${fields.map(([field, text]) => `"${field}":${text}`).join(',')}}`;
        },
      })),
    add: (w: NewWorkflow): void => {
      insert.run(
        w.workspace,
        w.id,
        w.version,
        w.digest,
        w.name,
        w.label,
        w.plan,
        w.problem ?? null,
        w.at,
        w.actor,
      );
    },
    remove: (workspace: string, id: string, at: number): void => {
      remove.run(at, workspace, id);
    },
  };
};

const agentProblem = (name: string, version: number, problem: string): string =>
  `version ${version} of agent "${name}" does not compile in this release: ${problem}`;

export type AgentStore = ReturnType<typeof createAgentStore>;

export const createAgentStore = (sql: Database) => {
  const newest = sql.prepare<[string, string], VersionRow>(
    'SELECT version, digest, deleted_at FROM agents WHERE workspace = ? AND name = ? ORDER BY version DESC LIMIT 1',
  );
  const definition = sql
    .prepare<[string, string, number], string>(
      'SELECT definition FROM agents WHERE workspace = ? AND name = ? AND version = ?',
    )
    .pluck();
  const problem = sql
    .prepare<[string, string, number], string | null>(
      'SELECT problem FROM agents WHERE workspace = ? AND name = ? AND version = ?',
    )
    .pluck();
  const hasProblems = sql
    .prepare<[], number>('SELECT EXISTS (SELECT 1 FROM agents WHERE problem IS NOT NULL)')
    .pluck();
  const unusable = sql.prepare<[string], { name: string; version: number; problem: string }>(
    `SELECT name, version, problem FROM agents AS a WHERE workspace = ? AND deleted_at IS NULL AND problem IS NOT NULL
       AND version = (SELECT max(version) FROM agents AS b WHERE b.workspace = a.workspace AND b.name = a.name)`,
  );
  const current = sql.prepare<[string], { name: string; version: number; digest: string }>(
    `SELECT name, version, digest FROM agents AS a WHERE workspace = ? AND deleted_at IS NULL AND problem IS NULL
       AND version = (SELECT max(version) FROM agents AS b WHERE b.workspace = a.workspace AND b.name = a.name)`,
  );
  const insert = sql.prepare<unknown[]>(
    `INSERT INTO agents (workspace, name, version, digest, definition, problem, created_at, created_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const remove = sql.prepare<[number, string, string]>(
    'UPDATE agents SET deleted_at = ? WHERE workspace = ? AND name = ? AND deleted_at IS NULL',
  );
  return {
    newest: (workspace: string, name: string): StoredVersion | undefined =>
      asVersion(newest.get(workspace, name)),
    /** JSON text of a pinned version, deleted or not. */
    definition: (workspace: string, name: string, version: number): string | undefined =>
      definition.get(workspace, name, version),
    /** Why this release cannot read that version, as a sentence; undefined where it can. */
    problem: (workspace: string, name: string, version: number): string | undefined => {
      const found = problem.get(workspace, name, version);
      return typeof found === 'string' ? agentProblem(name, version, found) : undefined;
    },
    hasProblems: (): boolean => hasProblems.get() === 1,
    /** Of the newest versions those that this release cannot read, each with why. */
    unusable: (workspace: string): (readonly [name: string, problem: string])[] =>
      unusable.all(workspace).map((row) => [row.name, agentProblem(row.name, row.version, row.problem)]),
    /** The newest versions that can be read. */
    known: (workspace: string): KnownItem[] =>
      current.all(workspace).map(({ name, version, digest }) => ({
        name,
        digest,
        text: () => definition.get(workspace, name, version) ?? 'null',
      })),
    add: (a: NewAgent): void => {
      insert.run(
        a.workspace,
        a.name,
        a.version,
        a.digest,
        JSON.stringify(a.definition),
        a.problem ?? null,
        a.at,
        a.actor,
      );
    },
    remove: (workspace: string, name: string, at: number): void => {
      remove.run(at, workspace, name);
    },
  };
};

export type TeamStore = ReturnType<typeof createTeamStore>;

export const createTeamStore = (sql: Database) => {
  const digest = sql.prepare<[string], string>('SELECT digest FROM teams WHERE workspace = ?').pluck();
  const upsert = sql.prepare<unknown[]>(
    `INSERT INTO teams (workspace, digest, teams, updated_at, updated_by) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET digest = excluded.digest, teams = excluded.teams,
       updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
  );
  return {
    digest: (workspace: string): string | undefined => digest.get(workspace),
    put: (t: NewTeams): void => {
      upsert.run(t.workspace, t.digest, JSON.stringify(t.teams), t.at, t.actor);
    },
  };
};

export type CatalogEventStore = ReturnType<typeof createCatalogEventStore>;

export const createCatalogEventStore = (sql: Database) => {
  const last = sql
    .prepare<[string], number>('SELECT coalesce(max(seq), 0) FROM catalog_events WHERE workspace = ?')
    .pluck();
  const insert = sql.prepare<unknown[]>(
    'INSERT INTO catalog_events (workspace, seq, at, type, data, causation_id) VALUES (?, ?, ?, ?, ?, ?)',
  );
  return {
    /** Returns the event's place in the workspace's catalog history. */
    append: (
      workspace: string,
      at: number,
      event: CatalogEventMessage,
      causationId: string | undefined,
    ): number => {
      const seq = (last.get(workspace) ?? 0) + 1;
      const { type, ...data } = event;
      insert.run(workspace, seq, at, type, JSON.stringify(data), causationId ?? null);
      return seq;
    },
  };
};
