/** The workflow language as the catalog needs it: `packages/dsl` with this process's compiler and schema check. */
import {
  type AgentDefinition,
  type ExpressionCompiler,
  type Issue,
  parseAgent,
  parseTeams,
  parseWorkflow,
} from '@signalbox/dsl';
import type { Json, Plan } from '@signalbox/engine';
import type { IssueMessage } from '@signalbox/protocol';
import type { Starlark } from '@signalbox/starlark-wasm';
import { schemaProblem } from '../input-check.js';
import type { CurrentAgent } from '../store/catalog-store.js';

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

export interface Language {
  workflow(source: string, agents: readonly CurrentAgent[]): ParsedWorkflow;
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
  const compiler = createCompiler(starlark);
  const checkSchema = schemaProblem;
  return {
    workflow: (source, current) => {
      const agents = new Map(
        current.map((agent) => [agent.name, agent.definition as unknown as AgentDefinition]),
      );
      const parsed = parseWorkflow(source, { compiler, checkSchema, environment: { agents } });
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
      const parsed = parseAgent(source, name, { compiler, checkSchema });
      if (!parsed.ok) return { ok: false, errors: toWire(parsed.errors) };
      return { ok: true, definition: { ...parsed.agent, digest } as unknown as Json };
    },
    teams: (source) => {
      const parsed = parseTeams(source);
      if (!parsed.ok) return { ok: false, errors: toWire(parsed.errors) };
      return { ok: true, teams: Object.fromEntries(parsed.teams) };
    },
  };
};

const createCompiler = (starlark: Starlark): ExpressionCompiler => ({
  expression: (source, knownNames) => {
    const compiled = starlark.compile(source, knownNames);
    return compiled.ok ? { ok: true, names: compiled.program.names } : compiled;
  },
  script: (source, knownNames) => {
    const compiled = starlark.compileScript(source, knownNames);
    return compiled.ok ? { ok: true, names: compiled.program.names } : compiled;
  },
});
