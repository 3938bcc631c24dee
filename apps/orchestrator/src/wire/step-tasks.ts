/** Makes step tasks: with the claim, and with the agent's definition in the version that the run has pinned. */
import { type Effect, isJsonObject, type RunStarted } from '@signalbox/engine';
import { reporterOf } from '@signalbox/protocol';
import { LruMap } from '../lru-map.js';
import type { AgentStore } from '../store/catalog-store.js';
import type { MessageEntry } from '../store/outbox-store.js';
import type { Claims } from './claim.js';
import { stepTaskEntry } from './task-codec.js';

type Dispatch = Extract<Effect, { type: 'dispatch_step' }>;

const maxCachedAgents = 1_000;
const noAgent = 'null';

export class StepTasks {
  readonly #agents: AgentStore;
  readonly #claims: Claims;
  readonly #definitions = new LruMap<string, string>(maxCachedAgents);

  constructor(agents: AgentStore, claims: Claims) {
    this.#agents = agents;
    this.#claims = claims;
  }

  entry(run: RunStarted, effect: Dispatch, messageId: string, scheduledAt: number): MessageEntry {
    const { workspace, runId } = run;
    const { target, stepId, attempt } = effect;
    const claim = this.#claims.make({ target: reporterOf(target), workspace, runId, stepId, attempt });
    const agent = effect.action === 'agent.run' ? this.#agentOf(run, effect) : undefined;
    return stepTaskEntry(run, effect, messageId, scheduledAt, claim, agent);
  }

  /** JSON text; `null` where the workspace had no agent of that name when the run started. */
  #agentOf(run: RunStarted, { input }: Dispatch): string {
    const name = isJsonObject(input) ? input.agent : undefined;
    if (typeof name !== 'string' || !Object.hasOwn(run.pins.agents, name)) return noAgent;
    const version = run.pins.agents[name];
    if (version === undefined) return noAgent;
    const key = `${run.workspace}/${version}/${name}`;
    const cached = this.#definitions.get(key);
    if (cached !== undefined) return cached;
    const definition = this.#agents.definition(run.workspace, name, version) ?? noAgent;
    this.#definitions.set(key, definition);
    this.#definitions.trim();
    return definition;
  }
}
