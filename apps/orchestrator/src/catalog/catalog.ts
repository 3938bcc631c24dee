/**
 * Definitions, agents and teams: put, taken away, refused.
 *
 * 1. What is stored has been validated, by another thread, against the workspace as it is in the same transaction: the
 *    commands of a workspace wait for one another meanwhile.
 * 2. A put of the newest version's own source makes no version; it is answered all the same.
 * 3. Every answer is an event in the workspace's catalog history, refusals too.
 * 4. What tells everybody of it is measured before anything is stored: what no server takes is refused to who put it.
 * 5. A workflow with runs that have not ended is not taken away. Ended runs do not keep it: their events hold all
 *    that a reader needs, and its versions stay in the database.
 */

import { type Issue, limits } from '@signalbox/dsl';
import type { JsonObject } from '@signalbox/engine';
import type { CatalogCommand, CatalogEventMessage, IssueMessage } from '@signalbox/protocol';
import type { CheckedWorkflow, CheckOutcome, KnownItems } from '@signalbox/validation';
import type { DeadLetterCommand } from '../dead-letters.js';
import type { OutsideAnswers } from '../outside.js';
import type { BatchContext } from '../run-commands.js';
import { sha256 } from '../sha256.js';
import type {
  AgentStore,
  CatalogEventStore,
  StoredVersion,
  TeamStore,
  WorkflowStore,
} from '../store/catalog-store.js';
import { catalogCommandKey, type InboxStore } from '../store/inbox-store.js';
import type { RunStore } from '../store/run-store.js';
import { encodeCatalogEvent } from '../wire/event-codec.js';
import type { CatalogOrder } from './catalog-order.js';
import { refused } from './refused.js';

type CommandOf<T extends CatalogCommand['type']> = Extract<CatalogCommand, { type: T }>;

export interface CatalogParts {
  readonly workflows: WorkflowStore;
  readonly agents: AgentStore;
  readonly teams: TeamStore;
  readonly events: CatalogEventStore;
  readonly runs: RunStore;
  readonly inbox: InboxStore;
  readonly outside: OutsideAnswers;
  readonly order: CatalogOrder;
  /** Largest data of a message, with room for its headers. */
  readonly maxMessageBytes: () => number;
  readonly endDeadLetter: (command: DeadLetterCommand, context: BatchContext) => CatalogEventMessage;
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

  /** `sequence`: its place in the queue. @throws NeedsAnswer */
  handle(command: CatalogCommand, sequence: number, context: BatchContext): void {
    const { workspace, commandId } = command;
    if (command.type === 'delete_workflow')
      this.#parts.order.requireStarted({ workspace, sequence }, command.workflowId);
    if (!this.#parts.inbox.accept(catalogCommandKey(workspace, commandId), context.now)) return;
    const answer = this.#answer(command, context);
    // Of a refusal that is too long the findings go, not the refusal.
    const event = this.#excess(command, answer) === undefined ? answer : { ...answer, issues: [] };
    const seq = this.#parts.events.append(workspace, context.now, event, commandId);
    context.changes.announce(encodeCatalogEvent(workspace, seq, context.now, event, commandId));
  }

  #answer(command: CatalogCommand, context: BatchContext): CatalogEventMessage {
    const at = context.now;
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
      case 'retry_dead_letter':
      case 'drop_dead_letter':
        return this.#parts.endDeadLetter(command, context);
    }
  }

  /** @throws NeedsAnswer */
  #putWorkflow(command: CommandOf<'put_workflow'>, at: number): CatalogEventMessage {
    const { workspace, source } = command;
    const tooLarge = refusalOfSize(command, 'the definition', limits.maxTextBytes);
    if (tooLarge !== undefined) return tooLarge;
    const { workflows, agents, outside } = this.#parts;
    const known: KnownItems = {
      form: 'stored',
      agents: agents.known(workspace),
      workflows: workflows.known(workspace),
      unusableAgents: agents.unusable(workspace),
    };
    const items = [...known.agents, ...known.workflows].flatMap(fingerprint);
    const digest = digestOf([source, ...items, ...(known.unusableAgents ?? []).flat()]);
    const question = { kind: 'workflow', source, known } as const;
    const outcome = outside.answer(laneOf(workspace), digest, question);
    if (outcome.kind !== 'answered') return unchecked(command, 'workflow', outcome);
    const parsed = outcome.answer;
    if (!parsed.ok) return invalid(command, 'workflow', parsed.errors);
    return this.#storeWorkflow(command, parsed, at);
  }

  #storeWorkflow(
    command: CommandOf<'put_workflow'>,
    parsed: Extract<CheckedWorkflow, { ok: true }>,
    at: number,
  ): CatalogEventMessage {
    const { workspace, source, actor } = command;
    const { workflows } = this.#parts;
    const { id, name, label, plan, description, warnings } = parsed;
    const newest = workflows.newest(workspace, id);
    const refusal = refusalOfPut(command, id, exists(newest));
    if (refusal !== undefined) return refusal;
    const digest = sha256(source);
    const { version, changed } = versionFor(newest, digest);
    const event: CatalogEventMessage = {
      type: 'catalog.workflow_put',
      actor,
      workflowId: id,
      version,
      digest,
      name,
      label,
      ...(description === undefined ? {} : { description }),
      source,
      warnings: toWire(warnings),
      changed,
    };
    const excess = this.#excess(command, event);
    if (excess !== undefined) return excess;
    if (changed) workflows.add({ workspace, id, version, digest, name, label, plan, at, actor });
    return event;
  }

  #excess(command: CatalogCommand, event: CatalogEventMessage): CatalogEventMessage | undefined {
    const { workspace, commandId, issuedAt } = command;
    const message = encodeCatalogEvent(workspace, Number.MAX_SAFE_INTEGER, issuedAt, event, commandId);
    const maxBytes = this.#parts.maxMessageBytes();
    const bytes = Buffer.byteLength(message.data);
    if (bytes <= maxBytes) return undefined;
    const text = `told to everybody it is a message of ${bytes} bytes, and nats-server takes ${maxBytes}`;
    return refused(command, 'PAYLOAD_TOO_LARGE', text);
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
    const { agents, outside } = this.#parts;
    const tooLarge = refusalOfSize(command, 'the agent', limits.maxAgentBytes);
    if (tooLarge !== undefined) return tooLarge;
    const digest = sha256(source);
    const question = { kind: 'agent', source, name } as const;
    const outcome = outside.answer(laneOf(workspace), digestOf([name, digest]), question);
    if (outcome.kind !== 'answered') return unchecked(command, 'agent', outcome);
    const parsed = outcome.answer;
    if (!parsed.ok) return invalid(command, 'agent', parsed.errors);
    const newest = agents.newest(workspace, name);
    const { version, changed } = versionFor(newest, digest);
    const definition = { ...(JSON.parse(parsed.definition) as JsonObject), digest };
    const event = { type: 'catalog.agent_put', actor, name, version, digest, source, changed } as const;
    const excess = this.#excess(command, event);
    if (excess !== undefined) return excess;
    if (changed) agents.add({ workspace, name, version, digest, definition, at, actor });
    return event;
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
    const { teams, outside } = this.#parts;
    const tooLarge = refusalOfSize(command, 'the teams file', limits.maxAgentBytes);
    if (tooLarge !== undefined) return tooLarge;
    const digest = sha256(source);
    const outcome = outside.answer(laneOf(workspace), digest, { kind: 'teams', source });
    if (outcome.kind !== 'answered') return unchecked(command, 'teams', outcome);
    const parsed = outcome.answer;
    if (!parsed.ok) return invalid(command, 'teams', parsed.errors);
    const changed = teams.digest(workspace) !== digest;
    const wire = Object.fromEntries(
      Object.entries(parsed.teams).map(([team, members]) => [team, [...members]]),
    );
    const event = { type: 'catalog.teams_put', actor, digest, teams: wire, source, changed } as const;
    const excess = this.#excess(command, event);
    if (excess !== undefined) return excess;
    if (changed) teams.put({ workspace, digest, teams: parsed.teams, at, actor });
    return event;
  }
}

const invalid = (command: CatalogCommand, what: string, errors: readonly Issue[]): CatalogEventMessage => {
  const first = errors[0];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return refused(
    command,
    'VALIDATION_FAILED',
    `the ${what} is not valid: ${first?.message ?? 'no reason given'}${more}`,
    toWire(errors),
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

/** The validation was ended: who wrote the text is told, and everything else goes on. */
const unchecked = (
  command: CatalogCommand,
  what: string,
  outcome: Exclude<CheckOutcome<unknown>, { readonly kind: 'answered' }>,
): CatalogEventMessage => {
  const reason = outcome.kind === 'full' ? 'too many checks wait' : outcome.reason;
  return refused(command, 'VALIDATION_LIMIT', `the ${what} could not be validated: ${reason}`);
};

const toWire = (issues: readonly Issue[]): IssueMessage[] => issues.map(({ severity: _, ...issue }) => issue);

/** Whose turn a validation takes. */
const laneOf = (workspace: string): string => `catalog/${workspace}`;

const fingerprint = ({ name, digest }: KnownItems['agents'][number]): readonly string[] => [name, digest];

const digestOf = (parts: readonly string[]): string => sha256(JSON.stringify(parts));

const refusalOfPut = (
  command: CommandOf<'put_workflow'>,
  planId: string,
  isThere: boolean,
): CatalogEventMessage | undefined => {
  const { mode, workflowId } = command;
  if (workflowId !== undefined && workflowId !== planId) {
    const message = `the definition's id is "${planId}", not "${workflowId}"`;
    return refused(command, 'WORKFLOW_ID_MISMATCH', message);
  }
  if (mode === 'create' && isThere) {
    return refused(command, 'WORKFLOW_EXISTS', `there is a workflow "${planId}" already`);
  }
  if (mode === 'update' && !isThere) {
    return refused(command, 'WORKFLOW_NOT_FOUND', `there is no workflow "${planId}"`);
  }
  return undefined;
};
