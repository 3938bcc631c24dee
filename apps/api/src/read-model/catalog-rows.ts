/** The rows of workflows, agents, teams and dead letters. Each event says all that its rows hold. */
import type { CatalogEventMessage, DeadLetterReport } from '@signalbox/protocol';
import type { ReadModelDatabase } from './schema.js';

const putWorkflow = `
INSERT INTO workflows (workflow_id, version, label, name, description, digest, source, warnings, created_at, created_by,
  deleted_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)
ON CONFLICT DO UPDATE SET deleted_at = NULL`;

// A version that is made again after a deletion replaces the one of its number.
const replaceWorkflow = `${putWorkflow}, label = excluded.label, name = excluded.name,
  description = excluded.description, digest = excluded.digest, source = excluded.source,
  warnings = excluded.warnings, created_at = excluded.created_at, created_by = excluded.created_by`;

const putAgent = `
INSERT INTO agents (name, version, digest, source, updated_at, updated_by) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET version = excluded.version, digest = excluded.digest, source = excluded.source,
  updated_at = excluded.updated_at, updated_by = excluded.updated_by`;

const putTeams = `
INSERT INTO teams (id, teams, source, digest, updated_at, updated_by) VALUES (1, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET teams = excluded.teams, source = excluded.source, digest = excluded.digest,
  updated_at = excluded.updated_at, updated_by = excluded.updated_by`;

const addDeadLetter = `
INSERT INTO dead_letters (id, stream, subject, consumer, delivery_count, code, reason, reported_by, at, payload,
  payload_bytes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING`;

type Of<T extends CatalogEventMessage['type']> = Extract<CatalogEventMessage, { type: T }>;

export const createCatalogRows = (db: ReadModelDatabase) => {
  const workflow = db.prepare<unknown[]>(putWorkflow);
  const changedWorkflow = db.prepare<unknown[]>(replaceWorkflow);
  const deleteWorkflow = db.prepare<unknown[]>(
    'UPDATE workflows SET deleted_at = ? WHERE workflow_id = ? AND deleted_at IS NULL',
  );
  const agent = db.prepare<unknown[]>(putAgent);
  const deleteAgent = db.prepare<unknown[]>('DELETE FROM agents WHERE name = ?');
  const teams = db.prepare<unknown[]>(putTeams);
  const quarantine = db.prepare<unknown[]>(
    'INSERT INTO quarantines (run_id, reason, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const release = db.prepare<unknown[]>('DELETE FROM quarantines WHERE run_id = ?');
  const deadLetter = db.prepare<unknown[]>(addDeadLetter);
  const endDeadLetter = db.prepare<unknown[]>(
    'INSERT INTO dead_letter_ends (id, outcome, at, actor) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );

  const writeWorkflow = (event: Of<'catalog.workflow_put'>, at: number): void => {
    const statement = event.changed ? changedWorkflow : workflow;
    statement.run(
      event.workflowId,
      event.version,
      event.label,
      event.name,
      event.description ?? null,
      event.digest,
      event.source,
      JSON.stringify(event.warnings),
      at,
      event.actor,
    );
  };
  const writeDeadLetter = (report: Omit<DeadLetterReport, 'workspace'>): void => {
    deadLetter.run(
      report.id,
      report.stream,
      report.subject,
      report.consumer,
      report.deliveryCount,
      report.code,
      report.reason,
      report.reportedBy,
      report.at,
      report.payload,
      report.payloadBytes,
    );
  };
  const writeEvent = (event: CatalogEventMessage, at: number): void => {
    switch (event.type) {
      case 'catalog.workflow_put':
        writeWorkflow(event, at);
        return;
      case 'catalog.workflow_deleted':
        deleteWorkflow.run(at, event.workflowId);
        return;
      case 'catalog.agent_put':
        agent.run(event.name, event.version, event.digest, event.source, at, event.actor);
        return;
      case 'catalog.agent_deleted':
        deleteAgent.run(event.name);
        return;
      case 'catalog.teams_put':
        teams.run(JSON.stringify(event.teams), event.source, event.digest, at, event.actor);
        return;
      case 'deadletter.run_quarantined':
        quarantine.run(event.runId, event.reason, at);
        return;
      case 'deadletter.run_released':
        release.run(event.runId);
        return;
      case 'deadletter.recorded':
        writeDeadLetter(event.deadLetter);
        return;
      case 'catalog.dead_letter_retried':
        endDeadLetter.run(event.deadLetterId, 'retried', at, event.actor);
        return;
      case 'catalog.dead_letter_dropped':
        endDeadLetter.run(event.deadLetterId, 'dropped', at, event.actor);
        return;
      case 'catalog.command_refused':
        return;
    }
  };
  return { writeEvent, writeDeadLetter };
};
