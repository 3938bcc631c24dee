/**
 * Checks a definition against the agents and workflows that this replica knows: the fast answer. The orchestrator checks again when
 * something is stored, and its answer counts. It is made in another thread, so that readers do not wait for it.
 */
import type { Issue } from '@signalbox/dsl';
import type { CheckThreads } from '@signalbox/validation';
import { problem } from './http/problem.js';
import type { ReadModel } from './read-model/read-model.js';
import type { ValidationResource } from './resources/catalog.js';

export interface DefinitionValidator {
  /** @throws Problem `VALIDATION_BUSY`, `VALIDATION_LIMIT` */
  validateWorkflow(source: string): Promise<ValidationResource>;
}

/** The two take turns: what is small waits for one large definition at most in each thread, however many there are. */
const largeLength = 32 * 1024;

type Catalog = Pick<ReadModel, 'isCaughtUp' | 'knownAgents' | 'knownWorkflows'>;

export const createDefinitionValidator = (checks: CheckThreads, catalog: Catalog): DefinitionValidator => {
  /** Nothing outside the definition is checked while this replica does not know what there is. */
  const known = () =>
    catalog.isCaughtUp
      ? {
          known: {
            form: 'source' as const,
            agents: catalog.knownAgents(),
            workflows: catalog.knownWorkflows(),
          },
        }
      : {};
  return {
    validateWorkflow: async (source) => {
      const size = source.length > largeLength ? 'large' : 'small';
      const outcome = await checks.ask(size, { kind: 'workflow', source, ...known() });
      switch (outcome.kind) {
        case 'answered': {
          const { answer } = outcome;
          return {
            valid: answer.ok,
            errors: answer.ok ? [] : answer.errors.map(toResource),
            warnings: answer.warnings.map(toResource),
          };
        }
        case 'too_long':
          throw problem('VALIDATION_LIMIT', `The definition could not be validated: ${outcome.reason}`);
        case 'full':
          throw problem('VALIDATION_BUSY', {
            detail: 'Too many definitions wait to be validated; nothing was stored, try again',
            headers: { 'retry-after': '1' },
          });
      }
    },
  };
};

const toResource = ({ severity: _severity, ...issue }: Issue): ValidationResource['errors'][number] => issue;
