/**
 * Catalog events → the rows of definitions, agents and teams, as if they had been put here.
 *
 * A definition is compiled again from its source, against what the workspace held at that place of its history.
 */
import type { AgentDefinition, Environment, WorkflowSchemas } from '@signalbox/dsl';
import type { Json } from '@signalbox/engine';
import type { CatalogEventMessage } from '@signalbox/protocol';
import type { Language } from '@signalbox/validation';
import type { AgentStore, TeamStore, WorkflowStore } from '../store/catalog-store.js';
import type { DeadLetterStore } from '../store/dead-letter-store.js';
import { StoresContradict } from './stores-contradict.js';

export interface CatalogFoldParts {
  readonly workflows: WorkflowStore;
  readonly agents: AgentStore;
  readonly teams: TeamStore;
  readonly deadLetters: DeadLetterStore;
  readonly language: Language;
}

type Of<T extends CatalogEventMessage['type']> = Extract<CatalogEventMessage, { type: T }>;

export const createCatalogFold = ({ workflows, agents, teams, deadLetters, language }: CatalogFoldParts) => {
  const environmentOf = (workspace: string): Environment => ({
    agents: new Map(
      agents.known(workspace).map(({ name, text }) => [name, JSON.parse(text()) as AgentDefinition]),
    ),
    workflows: new Map(
      workflows.known(workspace).map(({ name, text }) => [name, JSON.parse(text()) as WorkflowSchemas]),
    ),
  });

  const putWorkflow = (workspace: string, at: number, event: Of<'catalog.workflow_put'>): void => {
    if (!event.changed) return;
    const { workflowId: id, version, digest, name, label, source, actor } = event;
    const parsed = language.workflow(source, environmentOf(workspace));
    if (!parsed.ok) throw unreadable(`workflow "${id}" (version ${version})`, parsed.errors[0]?.message);
    const plan = JSON.stringify(parsed.plan);
    workflows.add({ workspace, id, version, digest, name, label, plan, at, actor });
  };

  const putAgent = (workspace: string, at: number, event: Of<'catalog.agent_put'>): void => {
    if (!event.changed) return;
    const { name, version, digest, source, actor } = event;
    const parsed = language.agent(source, name);
    if (!parsed.ok) throw unreadable(`agent "${name}" (version ${version})`, parsed.errors[0]?.message);
    const definition = JSON.parse(JSON.stringify({ ...parsed.agent, digest })) as Json;
    agents.add({ workspace, name, version, digest, definition, at, actor });
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

const unreadable = (what: string, reason = 'no reason given'): StoresContradict =>
  new StoresContradict(
    `the log holds the ${what}, which this release cannot read: ${reason}. Nothing was changed. Start the release that stored it.`,
  );
