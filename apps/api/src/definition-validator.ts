/**
 * Checks a definition against the agents and workflows that this replica knows: the fast answer. The orchestrator checks again when
 * something is stored, and its answer counts.
 */
import type { AgentDefinition, Environment, Issue, WorkflowSchemas } from '@signalbox/dsl';
import type { Language } from '@signalbox/validation';
import type { CatalogSource } from './read-model/catalog-queries.js';
import type { ReadModel } from './read-model/read-model.js';
import type { ValidationResource } from './resources/catalog.js';

export interface DefinitionValidator {
  validateWorkflow(source: string): ValidationResource;
}

type Catalog = Pick<ReadModel, 'isCaughtUp' | 'agentSources' | 'workflowSources'>;

export const createDefinitionValidator = (language: Language, catalog: Catalog): DefinitionValidator => {
  const agentOf = createCache<AgentDefinition>(({ name, source }) => {
    const parsed = language.agent(source, name);
    return parsed.ok ? parsed.agent : undefined;
  });
  const workflowOf = createCache<WorkflowSchemas>(({ source }) => {
    const parsed = language.workflow(source, {});
    return parsed.ok ? parsed.plan : undefined;
  });
  /** Nothing outside the definition is checked while this replica does not know what there is. */
  const environment = (): Environment =>
    catalog.isCaughtUp
      ? {
          agents: byName(catalog.agentSources(), agentOf),
          workflows: byName(catalog.workflowSources(), workflowOf),
        }
      : {};
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

const byName = <T>(
  sources: readonly CatalogSource[],
  of: (source: CatalogSource) => T | undefined,
): Map<string, T> => {
  const found = new Map<string, T>();
  for (const source of sources) {
    const value = of(source);
    if (value !== undefined) found.set(source.name, value);
  }
  return found;
};

/** Each is parsed once for each of its versions. */
const createCache = <T>(parse: (source: CatalogSource) => T | undefined) => {
  const parsed = new Map<string, { readonly digest: string; readonly value: T | undefined }>();
  return (source: CatalogSource): T | undefined => {
    const known = parsed.get(source.name);
    if (known?.digest === source.digest) return known.value;
    const value = parse(source);
    parsed.set(source.name, { digest: source.digest, value });
    return value;
  };
};
