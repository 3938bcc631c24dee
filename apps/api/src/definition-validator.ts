/**
 * Checks a definition against the agents that this replica knows: the fast answer. The orchestrator checks again when
 * something is stored, and its answer counts.
 */
import type { AgentDefinition, Issue } from '@signalbox/dsl';
import type { Language } from '@signalbox/validation';
import type { ReadModel } from './read-model/read-model.js';
import type { ValidationResource } from './resources/catalog.js';

export interface DefinitionValidator {
  validateWorkflow(source: string): ValidationResource;
}

type Catalog = Pick<ReadModel, 'isCaughtUp' | 'agentSources'>;

export const createDefinitionValidator = (language: Language, catalog: Catalog): DefinitionValidator => {
  const agentOf = createAgentCache(language);
  /** Nothing outside the definition is checked while this replica does not know what there is. */
  const environment = () => {
    if (!catalog.isCaughtUp) return {};
    const agents = new Map<string, AgentDefinition>();
    for (const { name, digest, source } of catalog.agentSources()) {
      const agent = agentOf(name, digest, source);
      if (agent !== undefined) agents.set(name, agent);
    }
    return { agents };
  };
  return {
    validateWorkflow: (source) => {
      const parsed = language.workflow(source, environment());
      return {
        valid: parsed.ok,
        errors: parsed.ok ? [] : parsed.errors.map(toResource),
        warnings: parsed.warnings.map(toResource),
      };
    },
  };
};

const toResource = ({ severity: _severity, ...issue }: Issue): ValidationResource['errors'][number] => issue;

/** An agent is parsed once for each of its versions. */
const createAgentCache = (language: Language) => {
  const parsed = new Map<string, { readonly digest: string; readonly agent: AgentDefinition | undefined }>();
  return (name: string, digest: string, source: string): AgentDefinition | undefined => {
    const known = parsed.get(name);
    if (known?.digest === digest) return known.agent;
    const result = language.agent(source, name);
    const agent = result.ok ? result.agent : undefined;
    parsed.set(name, { digest, agent });
    return agent;
  };
};
