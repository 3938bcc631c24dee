/** Every place where a state hands a value to something with an input schema: agents and child workflows, at every depth. */
import type { Diagnostics } from '../diagnostics.js';
import type { StateModel, WorkflowModel } from '../flow/scope-model.js';
import { childOf, textOf } from '../source/source-node.js';
import { HandOver } from './hand-over.js';
import { agentInputOf, type HandedInput, handedTemplate } from './handed-input.js';
import { objectSchema, saysNothing } from './make-schema.js';
import type { ReachingValues } from './reaching-values.js';
import type { Receiver } from './words.js';

interface HandedOver {
  readonly receiver: Receiver;
  readonly input: HandedInput;
}

const toAgent = (state: StateModel, values: ReachingValues): HandedOver | undefined => {
  const input = childOf(state.node, 'input');
  const name = textOf(childOf(input, 'agent'))?.trim();
  const agent = name === undefined ? undefined : values.environment.agents?.get(name);
  if (input?.kind !== 'map' || agent?.inputSchema === undefined) return undefined;
  const short = `the agent "${agent.name}"`;
  const receiver: Receiver = {
    state,
    name: `${short} of "${state.name}"`,
    short,
    field: 'variables',
    schema: agent.inputSchema,
  };
  return { receiver, input: agentInputOf(state, input, agent, values) };
};

const toWorkflow = (state: StateModel, values: ReachingValues): HandedOver | undefined => {
  const id = textOf(childOf(state.node, 'workflow'));
  const schema = id === undefined ? undefined : values.workflowSchemas(id)?.inputSchema;
  if (id === undefined || schema === undefined) return undefined;
  const short = `the workflow "${id}"`;
  const receiver: Receiver = { state, name: `${short} of "${state.name}"`, short, field: 'input', schema };
  const input = childOf(state.node, 'input');
  return {
    receiver,
    input:
      input === undefined
        ? { schema: objectSchema([]), pieces: [], node: state.node }
        : handedTemplate(input, state, values),
  };
};

const handedOver = (state: StateModel, values: ReachingValues): HandedOver | undefined => {
  if (state.type === 'workflow') return toWorkflow(state, values);
  const isAgentRun = state.type === 'operation' && textOf(childOf(state.node, 'action')) === 'agent.run';
  return isAgentRun ? toAgent(state, values) : undefined;
};

export const checkDataFlow = (
  model: WorkflowModel,
  values: ReachingValues,
  diagnostics: Diagnostics,
): void => {
  for (const scope of model.scopes) {
    for (const state of scope.states) {
      const found = handedOver(state, values);
      if (found === undefined || saysNothing(found.receiver.schema)) continue;
      new HandOver(found.receiver, values.view, diagnostics).check(found.input);
    }
  }
};
