/**
 * Definitions that the release which took them in could not compile are tried again at each start: this may be the
 * release that can. Their runs stay quarantined until somebody releases them.
 */
import type { Starlark } from '@signalbox/starlark-wasm';
import type { Logger } from '@signalbox/telemetry';
import { createLanguage } from '@signalbox/validation';
import type { Database } from 'better-sqlite3';
import { createAgentStore, createWorkflowStore } from '../store/catalog-store.js';
import { agentDefinition, environmentOf } from './catalog-fold.js';

interface Unusable {
  readonly workspace: string;
  readonly id: string;
  readonly version: number;
  readonly digest: string;
  readonly source: string;
}

const sourcesOf = (table: string, key: string, type: string, field: string): string =>
  `SELECT d.workspace, d.${key} AS id, d.version, d.digest, e.data ->> '$.source' AS source
   FROM ${table} AS d JOIN catalog_events AS e ON e.workspace = d.workspace AND e.type = '${type}'
     AND e.data ->> '$.${field}' = d.${key} AND e.data ->> '$.version' = d.version AND e.data ->> '$.changed'
   WHERE d.problem IS NOT NULL`;

export const compileAgain = (sql: Database, starlark: Starlark, logger: Logger): void => {
  const language = createLanguage(starlark);
  const stores = { agents: createAgentStore(sql), workflows: createWorkflowStore(sql) };
  const all = (text: string): Unusable[] => sql.prepare<[], Unusable>(text).all();
  const say = (what: string, id: string, version: number): void =>
    logger.info('this release can compile a definition that the one before it could not', {
      what,
      id,
      version,
    });
  const agent = sql.prepare<[string, string, string, number]>(
    'UPDATE agents SET definition = ?, problem = NULL WHERE workspace = ? AND name = ? AND version = ?',
  );
  for (const { workspace, id, version, digest, source } of all(
    sourcesOf('agents', 'name', 'catalog.agent_put', 'name'),
  )) {
    const parsed = language.agent(source, id);
    if (!parsed.ok) continue;
    agent.run(JSON.stringify(agentDefinition(parsed.agent, digest)), workspace, id, version);
    say('agent', id, version);
  }
  const workflow = sql.prepare<[string, string, string, number]>(
    'UPDATE workflow_definitions SET plan = ?, problem = NULL WHERE workspace = ? AND id = ? AND version = ?',
  );
  for (const { workspace, id, version, source } of all(
    sourcesOf('workflow_definitions', 'id', 'catalog.workflow_put', 'workflowId'),
  )) {
    const parsed = language.workflow(source, environmentOf(stores, workspace));
    if (!parsed.ok) continue;
    workflow.run(JSON.stringify(parsed.plan), workspace, id, version);
    say('workflow', id, version);
  }
};
