/**
 * Catalog events → the rows of definitions, agents and teams, as if they had been put here.
 *
 * A definition is compiled again from its source, against what the workspace held at that place of its history. One that
 * this release cannot compile is kept with the reason, and everything else goes on: its runs are quarantined
 * (`quarantine.ts`), and each start tries again (`log/compile-again.ts`).
 */
import type { AgentDefinition, Environment, Issue, WorkflowSchemas } from '@signalbox/dsl';
import { type Json, listed } from '@signalbox/engine';
import type { CatalogEventMessage } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Language } from '@signalbox/validation';
import type { AgentStore, TeamStore, WorkflowStore } from '../store/catalog-store.js';
import type { DeadLetterStore } from '../store/dead-letter-store.js';

export interface CatalogFoldParts {
  readonly workflows: WorkflowStore;
  readonly agents: AgentStore;
  readonly teams: TeamStore;
  readonly deadLetters: DeadLetterStore;
  readonly language: Language;
  readonly logger: Logger;
}

type Of<T extends CatalogEventMessage['type']> = Extract<CatalogEventMessage, { type: T }>;

/** What the newest definitions of a workspace say, for those that refer to them. */
export const environmentOf = (
  { agents, workflows }: Pick<CatalogFoldParts, 'agents' | 'workflows'>,
  workspace: string,
): Environment => ({
  agents: new Map(
    agents.known(workspace).map(({ name, text }) => [name, JSON.parse(text()) as AgentDefinition]),
  ),
  unusableAgents: new Map(agents.unusable(workspace)),
  workflows: new Map(
    workflows.known(workspace).map(({ name, text }) => [name, JSON.parse(text()) as WorkflowSchemas]),
  ),
});

/** As plain JSON. */
export const agentDefinition = (agent: AgentDefinition, digest: string): Json =>
  JSON.parse(JSON.stringify({ ...agent, digest })) as Json;

export const createCatalogFold = ({
  workflows,
  agents,
  teams,
  deadLetters,
  language,
  logger,
}: CatalogFoldParts) => {
  const unreadable = (what: string, id: string, version: number): void =>
    logger.error('the log holds a definition that this release cannot compile', { what, id, version });

  const putWorkflow = (workspace: string, at: number, event: Of<'catalog.workflow_put'>): void => {
    if (!event.changed) return;
    const { workflowId: id, version, digest, name, label, source, actor } = event;
    const parsed = language.workflow(source, environmentOf({ agents, workflows }, workspace));
    const row = { workspace, id, version, digest, name, label, at, actor };
    if (parsed.ok) workflows.add({ ...row, plan: JSON.stringify(parsed.plan) });
    else workflows.add({ ...row, plan: null, problem: problemOf(parsed.errors) });
    if (!parsed.ok) unreadable('workflow', id, version);
  };

  const putAgent = (workspace: string, at: number, event: Of<'catalog.agent_put'>): void => {
    if (!event.changed) return;
    const { name, version, digest, source, actor } = event;
    const parsed = language.agent(source, name);
    const row = { workspace, name, version, digest, at, actor };
    if (parsed.ok) agents.add({ ...row, definition: agentDefinition(parsed.agent, digest) });
    else agents.add({ ...row, definition: null, problem: problemOf(parsed.errors) });
    if (!parsed.ok) unreadable('agent', name, version);
  };

  return (workspace: string, at: number, event: CatalogEventMessage): void => {
    switch (event.type) {
      case 'catalog.workflow_put':
        putWorkflow(workspace, at, event);
        return;
      case 'catalog.workflow_deleted':
        workflows.remove(workspace, event.workflowId, at);
        return;
      case 'catalog.agent_put':
        putAgent(workspace, at, event);
        return;
      case 'catalog.agent_deleted':
        agents.remove(workspace, event.name, at);
        return;
      case 'catalog.teams_put': {
        const { digest, actor, teams: members } = event;
        if (event.changed) teams.put({ workspace, digest, teams: members, at, actor });
        return;
      }
      case 'catalog.dead_letter_retried':
      case 'catalog.dead_letter_dropped': {
        const { deadLetterId: id, actor } = event;
        const outcome = event.type === 'catalog.dead_letter_retried' ? 'retried' : 'dropped';
        deadLetters.end({ workspace, id, outcome, at, actor });
        return;
      }
      case 'catalog.command_refused':
      case 'deadletter.recorded':
        return;
    }
  };
};

const problemOf = (errors: readonly Issue[]): string =>
  listed(errors.map(({ code, line, message }) => `${code} in line ${line}: ${message}`));
