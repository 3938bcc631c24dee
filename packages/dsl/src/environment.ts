import type { Json } from '@signalbox/engine';
import type { AgentDefinition } from './agent/agent-definition.js';

/** A `Set` of names, or a `Map` by name. */
export interface NameSet {
  has(name: string): boolean;
  keys(): Iterable<string>;
}

/** What is known of a workflow that others run as their child. */
export interface WorkflowSchemas {
  readonly inputSchema?: Json | undefined;
  readonly outputSchema?: Json | undefined;
}

/** What a definition may refer to. What is undefined is not checked. */
export interface Environment {
  readonly agents?: ReadonlyMap<string, AgentDefinition> | undefined;
  /** Agents that are there and that this release cannot read, with why. */
  readonly unusableAgents?: ReadonlyMap<string, string> | undefined;
  readonly tools?: NameSet | undefined;
  /** A map tells the workflows' schemas, which are then held against what is handed over. */
  readonly workflows?: ReadonlySet<string> | ReadonlyMap<string, WorkflowSchemas> | undefined;
}

/** Undefined where the workflow does not exist or only its name is known. */
export const workflowSchemasOf = ({ workflows }: Environment, id: string): WorkflowSchemas | undefined =>
  workflows !== undefined && 'get' in workflows ? workflows.get(id) : undefined;
