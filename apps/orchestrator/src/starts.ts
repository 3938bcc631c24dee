/**
 * Starts runs: the definition is looked up, the input checked, the agents pinned to the versions of this moment. What
 * was put into the catalog before the start was stored is there by then (`catalog-order.ts`).
 * A refused start has no run to write it into: it is answered by a notice (sequence 0). One that comes again and has a
 * parent is decided again: the parent may still wait, because the news of the refusal was lost.
 */
import {
  initialState,
  isJsonObject,
  listed,
  type Plan,
  type RunStarted,
  type World,
} from '@signalbox/engine';
import { type CatalogCommand, type JsonValue, type RunCommand, runKeyOf } from '@signalbox/protocol';
import type { CatalogOrder, Place } from './catalog/catalog-order.js';
import type { BatchContext, Refusal, RunCommands } from './run-commands.js';
import type { LoadedRun, Runs } from './runs.js';
import type { AgentStore, WorkflowStore } from './store/catalog-store.js';
import { type InboxStore, runCommandKey } from './store/inbox-store.js';

export type StartCommand = Extract<RunCommand, { type: 'start' }>;

export interface StartParts {
  readonly runs: Runs;
  readonly workflows: WorkflowStore;
  readonly agents: AgentStore;
  readonly inbox: InboxStore;
  readonly commands: RunCommands;
  readonly order: CatalogOrder;
  /** What it gives throws NeedsAnswer. */
  readonly violationsIn: (workspace: string) => World['violations'];
}

interface Found {
  readonly plan: Plan;
  readonly workflow: RunStarted['workflow'];
}

export class Starts {
  readonly #parts: StartParts;

  constructor(parts: StartParts) {
    this.#parts = parts;
  }

  /** @throws NeedsAnswer */
  start(command: StartCommand, sequence: number, context: BatchContext): void {
    const { commands, inbox, runs } = this.#parts;
    const place = { workspace: command.workspace, sequence };
    const isNew = inbox.accept(runCommandKey(command), context.now);
    const existing = runs.find(runKeyOf(command));
    if (!isNew && (existing !== undefined || command.parent === undefined)) return;
    if (existing !== undefined) {
      const message = `the run ${command.runId} has been started`;
      commands.refuse(existing, command, { code: 'RUN_ALREADY_STARTED', message }, context);
      return;
    }
    const found = this.#workflowInOrder(command, place);
    const refusal = 'code' in found ? found : this.#begin(command, found, place, context);
    if (refusal === undefined) return;
    commands.notice(command, refusal, context);
    commands.tellParent(command, refusal, context);
  }

  #workflowInOrder(command: StartCommand, place: Place): Found | Refusal {
    const { order } = this.#parts;
    order.requireDelivered(place);
    const isOf = (each: CatalogCommand) => 'workflowId' in each && each.workflowId === command.workflowId;
    order.requireDecided(place, isOf);
    const found = this.#workflow(command);
    // One that is put under no id is the first of its workflow, or refused.
    const isNew = (each: CatalogCommand) => each.type === 'put_workflow' && each.workflowId === undefined;
    if ('code' in found) order.requireDecided(place, isNew);
    return found;
  }

  #workflow(command: StartCommand): Found | Refusal {
    const { runs, workflows } = this.#parts;
    const { workspace, workflowId, workflowVersion } = command;
    const stored =
      workflowVersion === undefined
        ? workflows.newest(workspace, workflowId)
        : workflows.version(workspace, workflowId, workflowVersion);
    const plan =
      stored === undefined || stored.isDeleted ? undefined : runs.plan(workspace, workflowId, stored.version);
    const problem = stored && plan === undefined && runs.problemOfPlan(workspace, workflowId, stored.version);
    if (typeof problem === 'string') return { code: 'WORKFLOW_UNUSABLE', message: problem };
    if (stored === undefined || plan === undefined) {
      const version = workflowVersion === undefined ? '' : ` in version ${workflowVersion}`;
      return { code: 'WORKFLOW_NOT_FOUND', message: `there is no workflow "${workflowId}"${version}` };
    }
    return { plan, workflow: { id: workflowId, version: stored.version, digest: stored.digest } };
  }

  #begin(
    command: StartCommand,
    { plan, workflow }: Found,
    place: Place,
    context: BatchContext,
  ): Refusal | undefined {
    const { commands, order, runs } = this.#parts;
    order.requireDecided(place, (each) => 'name' in each && plan.agents.includes(each.name));
    const invalid = this.#invalidInput(command, plan);
    if (invalid !== undefined) return invalid;
    const { runId, workspace, input, actor, idempotencyKey, parent, root, maxFamilyRuns } = command;
    const agents = this.#pinned(workspace, plan);
    const problem = runs.problemOfAgents(workspace, agents);
    if (problem !== undefined) return { code: 'AGENT_UNUSABLE', message: problem };
    const run: LoadedRun = { runKey: runKeyOf(command), plan, state: initialState, snapshotSeq: 0 };
    const answer = commands.apply(
      run,
      {
        type: 'start',
        runId,
        workflow,
        workspace,
        input,
        actor,
        pins: { agents },
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        ...(parent === undefined ? {} : { parent }),
        ...(root === undefined ? {} : { root }),
        ...(maxFamilyRuns === undefined ? {} : { maxFamilyRuns }),
      },
      context,
      command.commandId,
    );
    if (answer.kind === 'refused') return answer;
    runs.add(run);
    return undefined;
  }

  #invalidInput({ workspace, input }: StartCommand, plan: Plan): Refusal | undefined {
    if (!isJsonObject(input))
      return {
        code: 'INVALID_INPUT',
        message: `the input is ${kindOf(input)}, and has to be one object, whose fields the context begins with`,
      };
    if (plan.inputSchema === undefined) return undefined;
    const violations = this.#parts.violationsIn(workspace)(plan.inputSchema, input);
    if (violations.length === 0) return undefined;
    return { code: 'INVALID_INPUT', message: `the input does not fit: ${listed(violations)}` };
  }

  /** An agent that the workspace does not have is left out: its step fails with AGENT_NOT_FOUND when it comes to it. */
  #pinned(workspace: string, plan: Plan): Record<string, number> {
    const pins: Record<string, number> = {};
    for (const name of plan.agents) {
      const agent = this.#parts.agents.newest(workspace, name);
      if (agent !== undefined && !agent.isDeleted) pins[name] = agent.version;
    }
    return pins;
  }
}

const kindOf = (value: JsonValue): string => {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
};
