/**
 * Definitions, agents and teams: put, taken away, refused.
 *
 * 1. What is stored has been validated against the workspace as it is in the same transaction.
 * 2. A put of the newest version's own source makes no version; it is answered all the same.
 * 3. Every answer is an event in the workspace's catalog history, refusals too.
 * 4. A workflow with runs that have not ended is not taken away. Ended runs do not keep it: their events hold all
 *    that a reader needs, and its versions stay in the database.
 */
import { limits } from '@signalbox/dsl';
import type { Plan } from '@signalbox/engine';
import {
  type CatalogCommand,
  type CatalogEventMessage,
  encodeEvent,
  type IssueMessage,
} from '@signalbox/protocol';
import type { BatchContext } from '../run-commands.js';
import { sha256 } from '../sha256.js';
import type {
  AgentStore,
  CatalogEventStore,
  StoredVersion,
  TeamStore,
  WorkflowStore,
} from '../store/catalog-store.js';
import type { InboxStore } from '../store/inbox-store.js';
import type { RunStore } from '../store/run-store.js';
import type { Language } from './language.js';

type CommandOf<T extends CatalogCommand['type']> = Extract<CatalogCommand, { type: T }>;

export interface CatalogParts {
  readonly workflows: WorkflowStore;
  readonly agents: AgentStore;
  readonly teams: TeamStore;
  readonly events: CatalogEventStore;
  readonly runs: RunStore;
  readonly inbox: InboxStore;
  readonly language: Language;
}

interface Versioned {
  readonly version: number;
  readonly changed: boolean;
}

/** The newest version when it says the same already, else the number of a new one. */
const versionFor = (newest: StoredVersion | undefined, digest: string): Versioned => {
  if (newest === undefined) return { version: 1, changed: true };
  const isSame = !newest.isDeleted && newest.digest === digest;
  return isSame
    ? { version: newest.version, changed: false }
    : { version: newest.version + 1, changed: true };
};

const exists = (stored: StoredVersion | undefined): stored is StoredVersion =>
  stored !== undefined && !stored.isDeleted;

export class Catalog {
  readonly #parts: CatalogParts;

  constructor(parts: CatalogParts) {
    this.#parts = parts;
  }

  handle(command: CatalogCommand, context: BatchContext): void {
    const { workspace, commandId } = command;
    if (!this.#parts.inbox.accept(`catalog/${workspace}/${commandId}`, context.now)) return;
    const event = this.#answer(command, context.now);
    const seq = this.#parts.events.append(workspace, context.now, event, commandId);
    context.changes.announce(
      encodeEvent({
        id: `catalog/${workspace}/${seq}`,
        workspace,
        runId: null,
        sequence: seq,
        at: context.now,
        causationId: commandId,
        data: event,
      }),
    );
  }

  #answer(command: CatalogCommand, at: number): CatalogEventMessage {
    switch (command.type) {
      case 'put_workflow':
        return this.#putWorkflow(command, at);
      case 'delete_workflow':
        return this.#deleteWorkflow(command, at);
      case 'put_agent':
        return this.#putAgent(command, at);
      case 'delete_agent':
        return this.#deleteAgent(command, at);
      case 'put_teams':
        return this.#putTeams(command, at);
    }
  }

  #putWorkflow(command: CommandOf<'put_workflow'>, at: number): CatalogEventMessage {
    const { workspace, source, actor } = command;
    const tooLarge = refusalOfSize(command, 'the definition', limits.maxTextBytes);
    if (tooLarge !== undefined) return tooLarge;
    const { workflows, agents, language } = this.#parts;
    const known = { agents: agents.current(workspace), workflows: workflows.current(workspace) };
    const parsed = language.workflow(source, known);
    if (!parsed.ok) return invalid(command, 'workflow', parsed.errors);
    const { plan, description, warnings } = parsed;
    const newest = workflows.newest(workspace, plan.id);
    const refusal = refusalOfPut(command, plan, exists(newest));
    if (refusal !== undefined) return refusal;
    const digest = sha256(source);
    const { version, changed } = versionFor(newest, digest);
    const { id, name, version: label } = plan;
    if (changed) workflows.add({ workspace, id, version, digest, name, label, plan, at, actor });
    return {
      type: 'catalog.workflow_put',
      actor,
      workflowId: id,
      version,
      digest,
      name,
      label,
      ...(description === undefined ? {} : { description }),
      source,
      warnings: [...warnings],
      changed,
    };
  }

  #deleteWorkflow(command: CommandOf<'delete_workflow'>, at: number): CatalogEventMessage {
    const { workspace, workflowId, actor } = command;
    const { workflows, runs } = this.#parts;
    if (!exists(workflows.newest(workspace, workflowId))) {
      return refused(command, 'WORKFLOW_NOT_FOUND', `there is no workflow "${workflowId}"`);
    }
    if (runs.hasActive(workspace, workflowId)) {
      const message = `"${workflowId}" has runs that have not ended; wait for them or cancel them`;
      return refused(command, 'WORKFLOW_HAS_RUNS', message);
    }
    workflows.remove(workspace, workflowId, at);
    return { type: 'catalog.workflow_deleted', actor, workflowId };
  }

  #putAgent(command: CommandOf<'put_agent'>, at: number): CatalogEventMessage {
    const { workspace, name, source, actor } = command;
    const { agents, language } = this.#parts;
    const tooLarge = refusalOfSize(command, 'the agent', limits.maxAgentBytes);
    if (tooLarge !== undefined) return tooLarge;
    const digest = sha256(source);
    const parsed = language.agent(name, source, digest);
    if (!parsed.ok) return invalid(command, 'agent', parsed.errors);
    const newest = agents.newest(workspace, name);
    const { version, changed } = versionFor(newest, digest);
    const { definition } = parsed;
    if (changed) agents.add({ workspace, name, version, digest, definition, at, actor });
    return { type: 'catalog.agent_put', actor, name, version, digest, source, changed };
  }

  #deleteAgent(command: CommandOf<'delete_agent'>, at: number): CatalogEventMessage {
    const { workspace, name, actor } = command;
    const { agents } = this.#parts;
    if (!exists(agents.newest(workspace, name))) {
      return refused(command, 'AGENT_NOT_FOUND', `there is no agent "${name}"`);
    }
    agents.remove(workspace, name, at);
    return { type: 'catalog.agent_deleted', actor, name };
  }

  #putTeams(command: CommandOf<'put_teams'>, at: number): CatalogEventMessage {
    const { workspace, source, actor } = command;
    const { teams, language } = this.#parts;
    const tooLarge = refusalOfSize(command, 'the teams file', limits.maxAgentBytes);
    if (tooLarge !== undefined) return tooLarge;
    const parsed = language.teams(source);
    if (!parsed.ok) return invalid(command, 'teams', parsed.errors);
    const digest = sha256(source);
    const changed = teams.digest(workspace) !== digest;
    if (changed) teams.put({ workspace, digest, teams: parsed.teams, at, actor });
    const wire = Object.fromEntries(
      Object.entries(parsed.teams).map(([team, members]) => [team, [...members]]),
    );
    return { type: 'catalog.teams_put', actor, digest, teams: wire, source, changed };
  }
}

const refused = (
  command: CatalogCommand,
  code: string,
  message: string,
  issues?: readonly IssueMessage[],
): CatalogEventMessage => ({
  type: 'catalog.command_refused',
  actor: command.actor,
  command: command.type,
  code,
  message,
  ...(issues === undefined ? {} : { issues: [...issues] }),
});

const invalid = (
  command: CatalogCommand,
  what: string,
  errors: readonly IssueMessage[],
): CatalogEventMessage => {
  const first = errors[0];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return refused(
    command,
    'VALIDATION_FAILED',
    `the ${what} is not valid: ${first?.message ?? 'no reason given'}${more}`,
    errors,
  );
};

const refusalOfSize = (
  command: Extract<CatalogCommand, { source: string }>,
  what: string,
  maxBytes: number,
): CatalogEventMessage | undefined => {
  const bytes = Buffer.byteLength(command.source);
  if (bytes <= maxBytes) return undefined;
  return refused(
    command,
    'PAYLOAD_TOO_LARGE',
    `${what} has ${bytes} bytes of UTF-8, the limit is ${maxBytes}`,
  );
};

const refusalOfPut = (
  command: CommandOf<'put_workflow'>,
  plan: Plan,
  isThere: boolean,
): CatalogEventMessage | undefined => {
  const { mode, workflowId } = command;
  if (workflowId !== undefined && workflowId !== plan.id) {
    const message = `the definition's id is "${plan.id}", not "${workflowId}"`;
    return refused(command, 'WORKFLOW_ID_MISMATCH', message);
  }
  if (mode === 'create' && isThere) {
    return refused(command, 'WORKFLOW_EXISTS', `there is a workflow "${plan.id}" already`);
  }
  if (mode === 'update' && !isThere) {
    return refused(command, 'WORKFLOW_NOT_FOUND', `there is no workflow "${plan.id}"`);
  }
  return undefined;
};
