/** The workflow language as the catalog needs it: stored agents and workflows in, messages of the wire out. */
import type { AgentDefinition, Issue } from '@signalbox/dsl';
import type { Json, Plan } from '@signalbox/engine';
import type { IssueMessage } from '@signalbox/protocol';
import type { Starlark } from '@signalbox/starlark-wasm';
import { createLanguage as createCheckedLanguage } from '@signalbox/validation';
import type { CurrentAgent, CurrentWorkflow } from '../store/catalog-store.js';

interface Failed {
  readonly ok: false;
  readonly errors: readonly IssueMessage[];
}

export type ParsedWorkflow =
  | {
      readonly ok: true;
      readonly plan: Plan;
      readonly description?: string;
      readonly warnings: readonly IssueMessage[];
    }
  | Failed;

/** What the workspace holds at this moment. */
export interface Known {
  readonly agents: readonly CurrentAgent[];
  readonly workflows: readonly CurrentWorkflow[];
}

export interface Language {
  workflow(source: string, known: Known): ParsedWorkflow;
  agent(
    name: string,
    source: string,
    digest: string,
  ): { readonly ok: true; readonly definition: Json } | Failed;
  /** Team name → members. */
  teams(
    source: string,
  ): { readonly ok: true; readonly teams: Readonly<Record<string, readonly string[]>> } | Failed;
}

const toWire = (issues: readonly Issue[]): IssueMessage[] => issues.map(({ severity: _, ...issue }) => issue);

export const createLanguage = (starlark: Starlark): Language => {
  const language = createCheckedLanguage(starlark);
  return {
    workflow: (source, known) => {
      const agents = new Map(
        known.agents.map((agent) => [agent.name, agent.definition as unknown as AgentDefinition]),
      );
      const workflows = new Map(known.workflows.map((workflow) => [workflow.id, workflow]));
      const parsed = language.workflow(source, { agents, workflows });
      if (!parsed.ok) return { ok: false, errors: toWire(parsed.errors) };
      const { plan, definition, warnings } = parsed;
      const { description } = definition;
      return {
        ok: true,
        plan,
        ...(description === undefined ? {} : { description }),
        warnings: toWire(warnings),
      };
    },
    agent: (name, source, digest) => {
      const parsed = language.agent(source, name);
      if (!parsed.ok) return { ok: false, errors: toWire(parsed.errors) };
      return { ok: true, definition: { ...parsed.agent, digest } as unknown as Json };
    },
    teams: (source) => {
      const parsed = language.teams(source);
      if (!parsed.ok) return { ok: false, errors: toWire(parsed.errors) };
      return { ok: true, teams: Object.fromEntries(parsed.teams) };
    },
  };
};
