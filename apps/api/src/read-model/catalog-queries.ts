/** Reads of workflows, agents, teams and dead letters. */
import { EVENTS } from '@signalbox/protocol';
import type { KnownItem } from '@signalbox/validation';
import type {
  AgentResource,
  AgentSummary,
  DeadLetterResource,
  TeamsResource,
  WorkflowResource,
  WorkflowSummary,
} from '../resources/catalog.js';
import { toInstantText, toOptionalInstantText } from '../resources/shapes.js';
import type { ListPosition, Page } from './page.js';
import type { ReadModelDatabase } from './schema.js';

interface WorkflowRow {
  workflow_id: string;
  version: number;
  label: string;
  name: string;
  description: string | null;
  digest: string;
  source: string;
  warnings: string;
  created_at: number;
  created_by: string;
  deleted_at: number | null;
}

interface AgentRow {
  name: string;
  version: number;
  digest: string;
  source: string;
  updated_at: number;
  updated_by: string;
}

interface TeamsRow {
  teams: string;
  source: string;
  digest: string;
  updated_at: number;
  updated_by: string;
}

/** Who reports what the read model itself sets aside. */
export const ownReporter = 'api';

interface DeadLetterRow {
  id: string;
  stream: string;
  subject: string;
  consumer: string;
  delivery_count: number;
  code: string;
  reason: string;
  reported_by: string;
  at: number;
  payload: string;
  payload_bytes: number;
  outcome: 'retried' | 'dropped' | null;
  ended_at: number | null;
  ended_by: string | null;
}

const toSummary = (row: WorkflowRow): WorkflowSummary => ({
  id: row.workflow_id,
  version: row.version,
  label: row.label,
  name: row.name,
  description: row.description,
  digest: row.digest,
  createdAt: toInstantText(row.created_at),
  createdBy: row.created_by,
  deletedAt: toOptionalInstantText(row.deleted_at),
});

const toAgentSummary = (row: AgentRow): AgentSummary => ({
  name: row.name,
  version: row.version,
  digest: row.digest,
  updatedAt: toInstantText(row.updated_at),
  updatedBy: row.updated_by,
});

const toDeadLetter = (row: DeadLetterRow): DeadLetterResource => ({
  id: row.id,
  stream: row.stream,
  subject: row.subject,
  consumer: row.consumer,
  deliveryCount: row.delivery_count,
  code: row.code,
  reason: row.reason,
  reportedBy: row.reported_by,
  at: toInstantText(row.at),
  payload: row.payload,
  payloadBytes: row.payload_bytes,
  outcome: row.outcome ?? 'kept',
  endedAt: toOptionalInstantText(row.ended_at),
  endedBy: row.ended_by,
});

export type CatalogQueries = ReturnType<typeof createCatalogQueries>;

export const createCatalogQueries = (db: ReadModelDatabase) => ({
  ...createWorkflowQueries(db),
  ...createAgentQueries(db),
  ...createDeadLetterQueries(db),
});

const createWorkflowQueries = (db: ReadModelDatabase) => {
  const newest = db.prepare<[], WorkflowRow>(
    `SELECT w.* FROM workflows w
     WHERE version = (SELECT max(version) FROM workflows v WHERE v.workflow_id = w.workflow_id AND v.deleted_at IS NULL)
     ORDER BY workflow_id`,
  );
  const digests = db.prepare<[], Omit<KnownItem, 'text'>>(
    `SELECT w.workflow_id AS name, w.digest FROM workflows w
     WHERE version = (SELECT max(version) FROM workflows v WHERE v.workflow_id = w.workflow_id AND v.deleted_at IS NULL)`,
  );
  const source = db
    .prepare<[string], string>(
      'SELECT source FROM workflows WHERE workflow_id = ? AND deleted_at IS NULL ORDER BY version DESC LIMIT 1',
    )
    .pluck();
  const versions = db.prepare<[string], WorkflowRow>(
    'SELECT * FROM workflows WHERE workflow_id = ? ORDER BY version DESC',
  );
  return {
    /** The newest version of each that is not deleted, by id. */
    listWorkflows: (): WorkflowSummary[] => newest.all().map(toSummary),
    /** What a definition is checked against. A text that has changed meanwhile is the newer one. */
    knownWorkflows: (): KnownItem[] =>
      digests.all().map(({ name, digest }) => ({ name, digest, text: () => source.get(name) ?? '' })),
    /** The newest version that is not deleted; a version asked for by number also when it is. */
    findWorkflow: (id: string, version?: number): WorkflowResource | undefined => {
      const rows = versions.all(id);
      const row =
        version === undefined
          ? rows.find((candidate) => candidate.deleted_at === null)
          : rows.find((candidate) => candidate.version === version);
      if (row === undefined) return undefined;
      return {
        ...toSummary(row),
        source: row.source,
        warnings: JSON.parse(row.warnings) as WorkflowResource['warnings'],
        versions: rows.map((other) => ({
          version: other.version,
          label: other.label,
          digest: other.digest,
          createdAt: toInstantText(other.created_at),
          createdBy: other.created_by,
        })),
      };
    },
  };
};

const createAgentQueries = (db: ReadModelDatabase) => {
  const agents = db.prepare<[], AgentRow>('SELECT * FROM agents ORDER BY name');
  const agent = db.prepare<[string], AgentRow>('SELECT * FROM agents WHERE name = ?');
  const digests = db.prepare<[], Omit<KnownItem, 'text'>>('SELECT name, digest FROM agents');
  const source = db.prepare<[string], string>('SELECT source FROM agents WHERE name = ?').pluck();
  const teams = db.prepare<[], TeamsRow>('SELECT * FROM teams');
  return {
    listAgents: (): AgentSummary[] => agents.all().map(toAgentSummary),
    /** What a definition is checked against. A text that has changed meanwhile is the newer one. */
    knownAgents: (): KnownItem[] =>
      digests.all().map(({ name, digest }) => ({ name, digest, text: () => source.get(name) ?? '' })),
    findAgent: (name: string): AgentResource | undefined => {
      const row = agent.get(name);
      return row === undefined ? undefined : { ...toAgentSummary(row), source: row.source };
    },
    findTeams: (): TeamsResource | undefined => {
      const row = teams.get();
      if (row === undefined) return undefined;
      return {
        teams: JSON.parse(row.teams) as TeamsResource['teams'],
        source: row.source,
        digest: row.digest,
        updatedAt: toInstantText(row.updated_at),
        updatedBy: row.updated_by,
      };
    },
  };
};

const createDeadLetterQueries = (db: ReadModelDatabase) => {
  const behind = db.prepare<[number, string, number], DeadLetterRow>(
    `SELECT l.*, e.outcome, e.at AS ended_at, e.actor AS ended_by FROM dead_letters l
     LEFT JOIN dead_letter_ends e ON e.id = l.id
     WHERE (l.at, l.id) < (?, ?) ORDER BY l.at DESC, l.id DESC LIMIT ?`,
  );
  const own = db.prepare<[string, string, string], { id: string }>(
    'SELECT id FROM dead_letters WHERE id = ? AND stream = ? AND reported_by = ?',
  );
  return {
    /** Whether this read model has set it aside itself: then nobody else knows of it. */
    isOwnDeadLetter: (id: string): boolean => own.get(id, EVENTS, ownReporter) !== undefined,
    /** Newest first. */
    listDeadLetters: (limit: number, after?: ListPosition): Page<DeadLetterResource> => {
      const rows = behind.all(after?.at ?? Number.MAX_SAFE_INTEGER, after?.id ?? '', limit + 1);
      const items = rows.slice(0, limit);
      const last = items.at(-1);
      return {
        items: items.map(toDeadLetter),
        ...(rows.length > limit && last !== undefined ? { next: { at: last.at, id: last.id } } : {}),
      };
    },
  };
};
