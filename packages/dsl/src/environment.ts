import type { AgentDefinition } from './agent/agent-definition.js';

/** A `Set` of names, or a `Map` by name. */
export interface NameSet {
  has(name: string): boolean;
  keys(): Iterable<string>;
}

/** What a definition may refer to. What is undefined is not checked. */
export interface Environment {
  readonly agents?: ReadonlyMap<string, AgentDefinition> | undefined;
  readonly tools?: NameSet | undefined;
  readonly workflows?: NameSet | undefined;
}
