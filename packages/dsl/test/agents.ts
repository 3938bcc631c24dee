/** Environments and definitions for tests that hand values from state to state. */
import type { Json } from '@signalbox/engine';
import { type AgentDefinition, type Issue, parseWorkflow, type WorkflowSchemas } from '../src/index.js';
import { compiler } from './starlark-compiler.js';

export interface Schemas {
  readonly input?: Json;
  readonly output?: Json;
}

export const agentOf = (name: string, { input, output }: Schemas = {}): AgentDefinition => ({
  name,
  model: { provider: 'scripted', name: 'demo' },
  config: {},
  prompt: { kind: 'literal', value: '' },
  ...(input === undefined ? {} : { inputSchema: input }),
  ...(output === undefined ? {} : { outputSchema: output }),
});

export const agentsOf = (schemas: {
  readonly [name: string]: Schemas;
}): ReadonlyMap<string, AgentDefinition> =>
  new Map(Object.entries(schemas).map(([name, each]) => [name, agentOf(name, each)]));

export type State = { readonly [field: string]: Json };

/** An `agent.run`; `input` beside the agent's name. */
export const run = (name: string, agent: string, input: State, rest: State = { end: true }): State => ({
  name,
  type: 'operation',
  action: 'agent.run',
  input: { agent, ...input },
  ...rest,
});

export const definition = (states: readonly State[], rest: State = {}): string =>
  JSON.stringify({ id: 'flow', start: states[0]?.name ?? '', ...rest, states }, null, 1);

export interface Surroundings {
  readonly agents: { readonly [name: string]: Schemas };
  readonly workflows?: ReadonlyMap<string, WorkflowSchemas>;
}

export const findings = (text: string, { agents, workflows }: Surroundings): readonly Issue[] => {
  const parsed = parseWorkflow(text, { compiler, environment: { agents: agentsOf(agents), workflows } });
  return [...(parsed.ok ? [] : parsed.errors), ...parsed.warnings];
};

export const fields = (properties: State, required: readonly string[] = Object.keys(properties)): Json => ({
  type: 'object',
  properties,
  required,
});

/** The same, and nothing beside them. */
export const closed = (properties: State, required?: readonly string[]): Json => ({
  ...(fields(properties, required) as State),
  additionalProperties: false,
});
