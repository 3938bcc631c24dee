/** Agents, tools and workflows that the definition names: each place is checked, at every depth alike. */
import type { Diagnostics } from '../diagnostics.js';
import type { Environment, NameSet } from '../environment.js';
import { nearestName } from '../nearest.js';
import { childOf, type MapNode, placeOf, textOf } from '../source/source-node.js';
import type { Site } from './structure.js';

const kinds = {
  agent: { code: 'AGENT_NOT_FOUND', message: 'agent not found in environment' },
  tool: { code: 'TOOL_NOT_FOUND', message: 'tool not found in environment' },
  workflow: { code: 'WORKFLOW_NOT_FOUND', message: 'workflow not found in environment' },
} as const;

const knownOf = (to: keyof typeof kinds, environment: Environment): NameSet | undefined =>
  ({ agent: environment.agents, tool: environment.tools, workflow: environment.workflows })[to];

export const checkReferencesOutside = (
  root: MapNode,
  sites: readonly Site[],
  environment: Environment,
  diagnostics: Diagnostics,
): void => {
  const ownId = textOf(childOf(root, 'id'));
  for (const { kind, node } of sites) {
    const name = textOf(node);
    if (kind.is !== 'reference' || name === undefined) continue;
    if (name.includes('{{')) {
      const message = `the name of ${kind.to === 'agent' ? 'an' : 'a'} ${kind.to} cannot be a template`;
      diagnostics.report('INVALID_VALUE', placeOf(node), message, {
        hint: 'choose with a switch, and name each one',
      });
      continue;
    }
    const known = knownOf(kind.to, environment);
    // A workflow may run itself, also while it is being created.
    if (known === undefined || known.has(name) || (kind.to === 'workflow' && name === ownId)) continue;
    const { code, message } = kinds[kind.to];
    const problem = kind.to === 'agent' ? environment.unusableAgents?.get(name) : undefined;
    if (problem !== undefined) {
      diagnostics.report(code, placeOf(node), `agent cannot be used: ${problem}`);
      continue;
    }
    const nearest = nearestName(name, known.keys());
    const hint =
      nearest === undefined
        ? `add the ${kind.to} "${name}" to the environment`
        : `did you mean "${nearest}"?`;
    diagnostics.report(code, placeOf(node), `${message}: "${name}"`, { hint });
  }
};
