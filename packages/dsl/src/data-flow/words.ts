/** How findings about schemas name who gives, who takes, and the way between. */
import type { Json } from '@signalbox/engine';
import type { StateModel } from '../flow/scope-model.js';
import { childOf, textOf } from '../source/source-node.js';
import type { Origin } from './value.js';

export interface Receiver {
  readonly state: StateModel;
  /** `the agent "notifier" of "notify"` */
  readonly name: string;
  /** `the agent "notifier"` */
  readonly short: string;
  /** The field of the state that is handed over. */
  readonly field: string;
  readonly schema: Json;
}

const agentOf = (state: StateModel): string | undefined =>
  textOf(childOf(state.node, 'action')) === 'agent.run'
    ? textOf(childOf(childOf(state.node, 'input'), 'agent'))?.trim()
    : undefined;

/** `reader` gives what is written in its own template. */
export const nameOf = (origin: Origin, reader: StateModel | undefined): string => {
  switch (origin.kind) {
    case 'state': {
      const agent = agentOf(origin.state);
      return agent === undefined
        ? `"${origin.state.name}"`
        : `the agent "${agent}" of "${origin.state.name}"`;
    }
    case 'error':
      return `the error caught at "${origin.state.name}"`;
    case 'input':
      return "the run's input";
    case 'fixed':
      return reader === undefined ? 'its scope' : `"${reader.name}"`;
  }
};

const longestShown = 12;

/** `, on the way a → b → c`; nothing where there is no way between. */
export const showWay = (way: readonly StateModel[]): string => {
  if (way.length < 2) return '';
  const names = way.map(({ name }) => name);
  const shown =
    names.length > longestShown ? [...names.slice(0, longestShown - 1), '…', names.at(-1)] : names;
  return `, on the way ${shown.join(' → ')}`;
};

export const hintFor = (origin: Origin, receiver: Receiver): string => {
  switch (origin.kind) {
    case 'state': {
      const agent = agentOf(origin.state);
      const sender =
        agent === undefined
          ? `what "${origin.state.name}" writes`
          : `the output schema of the agent "${agent}"`;
      return `change ${sender} or the input schema of ${receiver.short}, or convert the value with a transform in between`;
    }
    case 'error':
      return `hand over a field of the error, such as its message, that ${receiver.short} takes`;
    case 'input':
      return `change the workflow's inputSchema or the input schema of ${receiver.short}`;
    case 'fixed':
      return `give a value that the input schema of ${receiver.short} allows`;
  }
};

export const unknownHint = (origin: Origin | undefined, receiver: Receiver): string => {
  if (origin?.kind === 'input') return "declare it in the workflow's inputSchema";
  const agent = origin?.kind === 'state' ? agentOf(origin.state) : undefined;
  if (agent !== undefined) return `declare it in the output schema of the agent "${agent}"`;
  const type = origin?.kind === 'state' ? origin.state.type : undefined;
  if (type === 'signal') return 'give the signal a schema';
  if (type === 'workflow') return 'declare it in the outputSchema of the child workflow';
  return `${receiver.short} refuses the step at run time if it does not fit`;
};
