/**
 * Checks a definition against the agents and workflows that this replica knows: the fast answer. The orchestrator
 * checks again when something is stored, and its answer counts.
 */
import {
  type AgentDefinition,
  type ExpressionCompiler,
  type Issue,
  parseAgent,
  validateWorkflow,
} from '@signalbox/dsl';
import type { Json } from '@signalbox/engine';
import type { Starlark } from '@signalbox/starlark-wasm';
import { Ajv, type Options } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import type { ReadModel } from './read-model/read-model.js';
import type { ValidationResource } from './resources/catalog.js';

export interface DefinitionValidator {
  validateWorkflow(source: string): ValidationResource;
}

type Catalog = Pick<ReadModel, 'isCaughtUp' | 'agentSources' | 'listWorkflows'>;

export const createDefinitionValidator = (starlark: Starlark, catalog: Catalog): DefinitionValidator => {
  const compiler = createCompiler(starlark);
  const agentOf = createAgentCache(compiler);
  /** Nothing outside the definition is checked while this replica does not know what there is. */
  const environment = () => {
    if (!catalog.isCaughtUp) return undefined;
    const agents = new Map<string, AgentDefinition>();
    for (const { name, digest, source } of catalog.agentSources()) {
      const agent = agentOf(name, digest, source);
      if (agent !== undefined) agents.set(name, agent);
    }
    return { agents };
  };
  return {
    validateWorkflow: (source) => {
      const found = validateWorkflow(source, { compiler, checkSchema, environment: environment() });
      return { valid: found.valid, errors: found.errors.map(toWire), warnings: found.warnings.map(toWire) };
    },
  };
};

const toWire = ({ severity: _severity, ...issue }: Issue): ValidationResource['errors'][number] => issue;

/** An agent is parsed once for each of its versions. */
const createAgentCache = (compiler: ExpressionCompiler) => {
  const parsed = new Map<string, { readonly digest: string; readonly agent: AgentDefinition | undefined }>();
  return (name: string, digest: string, source: string): AgentDefinition | undefined => {
    const known = parsed.get(name);
    if (known?.digest === digest) return known.agent;
    const result = parseAgent(source, name, { compiler, checkSchema });
    const agent = result.ok ? result.agent : undefined;
    parsed.set(name, { digest, agent });
    return agent;
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

/** Patterns are only parsed here, never run: an author's pattern may backtrack for ever. */
const ajvOptions: Options = {
  strict: false,
  validateSchema: false,
  addUsedSchema: false,
  code: {
    regExp: Object.assign(
      (source: string, flags: string) => {
        new RegExp(source, flags);
        return { test: () => true };
      },
      { code: 'neverRun' },
    ),
  },
};

const checkSchema = (schema: Json): string | undefined => {
  if (typeof schema === 'boolean') return undefined;
  const { $schema, ...rest } = schema as { $schema?: unknown };
  const isOlder = typeof $schema === 'string' && /draft-0[4-7]/.test($schema);
  const ajv = isOlder ? new Ajv(ajvOptions) : new Ajv2020(ajvOptions);
  ajvFormats.default(ajv);
  try {
    ajv.compile(rest);
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
};
