/** The nine state types and their fields. */
import { limits } from '../limits.js';
import type { ExclusiveFields, Field, Shape, ValueKind } from './value-kind.js';

const seconds = { is: 'number', above: 0, max: limits.maxTimeoutSeconds } as const satisfies ValueKind;
const catchClauses: Field = {
  kind: { is: 'list', of: { is: 'shape', shape: 'catch' }, minCount: 1 },
  description: 'Where to go on after an error. The first clause that names the error is taken.',
};
export const transitionTarget = {
  is: 'target',
  unknown: 'UNKNOWN_TRANSITION_TARGET',
} as const satisfies ValueKind;
const resultPath: Field = {
  kind: { is: 'path', use: 'write' },
  description: "Where the state's result is written in the context.",
  standsFor: 'steps.<state name>',
};

const everyState = {
  name: {
    kind: { is: 'text', form: 'name' },
    isRequired: true,
    oldNames: ['id'],
    description: 'Unique in its scope.',
  },
  type: { kind: { is: 'text', form: 'any' }, isRequired: true, description: 'The type of the state.' },
  description: { kind: { is: 'text', form: 'any' }, description: 'For readers; not used in a run.' },
  checkpoint: {
    kind: {
      is: 'either',
      kinds: [{ is: 'flag' }, { is: 'text', form: 'name' }],
      rule: 'true, or the name of the checkpoint',
    },
    description: 'Make a named checkpoint after this state.',
  },
} as const satisfies Shape['fields'];

const transition = {
  next: {
    kind: transitionTarget,
    oldNames: ['transition'],
    description: 'The state of the same scope that follows.',
  },
  end: { kind: { is: 'true' }, description: 'The scope ends after this state.' },
} as const satisfies Shape['fields'];

const continuing = (title: string, fields: Shape['fields'], ...exclusive: ExclusiveFields[]): Shape => ({
  title,
  fields: { ...everyState, ...fields, ...transition },
  exclusive: [...exclusive, { fields: ['next', 'end'], missing: 'MISSING_TRANSITION' }],
});

export const actionNames = [
  'agent.run',
  'human.approval',
  'tool.call',
  'llm.chat',
  'document.render',
] as const;

export const actionField: Field = {
  kind: { is: 'choice', of: actionNames, code: 'UNKNOWN_ACTION' },
  isRequired: true,
  description: 'What is executed.',
};

export const targetField: Field = {
  kind: { is: 'choice', of: ['worker', 'agent'] },
  description: "Who executes it: a step worker, or the agent in the workspace's own network.",
  standsFor: 'worker',
};

const operation = continuing('an operation', {
  action: actionField,
  input: {
    kind: { is: 'actionInput' },
    isRequired: true,
    description: 'Input of the action; its fields hang on the action.',
  },
  target: targetField,
  resultPath,
  timeoutSeconds: {
    kind: seconds,
    description:
      'Time for one attempt, from when it is scheduled: waiting for a worker counts; or for a decision.',
  },
  retry: {
    kind: { is: 'shape', shape: 'retry' },
    description: 'Whether and when a failed attempt is repeated.',
  },
  catch: catchClauses,
  optional: {
    kind: { is: 'flag' },
    description: 'When it fails, the step is skipped and the run goes on.',
    standsFor: 'false',
  },
  compensate: {
    kind: { is: 'shape', shape: 'compensation' },
    description: 'What undoes this step when the run is rolled back.',
  },
  outputValidation: {
    kind: { is: 'choice', of: ['warn', 'strict'] },
    description: 'Whether an output that misses its schema is a warning or fails the step.',
    standsFor: 'warn',
  },
});

const switchState: Shape = {
  title: 'a switch',
  fields: {
    ...everyState,
    dataPath: {
      kind: { is: 'path', use: 'read' },
      description: 'The value whose fields the conditions may use as bare names.',
    },
    conditions: {
      kind: { is: 'list', of: { is: 'shape', shape: 'condition' }, minCount: 1 },
      isRequired: true,
      description: 'The first that is true is taken.',
    },
    defaultNext: { kind: transitionTarget, description: 'The state that follows when no condition is true.' },
  },
};

const parallel = continuing('a parallel', {
  branches: {
    kind: { is: 'list', of: { is: 'shape', shape: 'branch' }, minCount: 1 },
    isRequired: true,
    description: 'What runs side by side.',
  },
  join: {
    kind: { is: 'shape', shape: 'join' },
    description: 'When the state is done.',
    standsFor: '{ mode: all }',
  },
  maxConcurrency: {
    kind: { is: 'number', min: 1, max: limits.maxParallelConcurrency, isWhole: true },
    description: 'How many branches are in flight at once.',
    standsFor: `the number of branches, at most ${limits.maxParallelConcurrency}`,
  },
  resultPath,
  catch: catchClauses,
});

const foreach = continuing('a foreach', {
  itemsPath: { kind: { is: 'path', use: 'read' }, isRequired: true, description: 'The list.' },
  itemName: {
    kind: { is: 'text', form: 'variable' },
    description: 'The name of an item in expressions; its position is `index`.',
    standsFor: 'item',
  },
  maxConcurrency: {
    kind: { is: 'number', min: 1, max: limits.maxForeachConcurrency, isWhole: true },
    description: 'How many items are in flight at once.',
    standsFor: '1',
  },
  toleratedFailures: {
    kind: { is: 'number', min: 0, isWhole: true },
    description: 'How many items may fail before the state fails.',
    standsFor: '0',
  },
  iterator: {
    kind: { is: 'shape', shape: 'iterator' },
    isRequired: true,
    description: 'What runs for each item.',
  },
  resultPath,
  catch: catchClauses,
});

export const stateShapes = {
  operation,
  switch: switchState,
  parallel,
  foreach,
  inject: continuing('an inject', {
    data: {
      kind: { is: 'template', of: 'any' },
      isRequired: true,
      description: 'The value that is written.',
    },
    resultPath,
    catch: catchClauses,
  }),
  transform: continuing('a transform', {
    expression: {
      kind: { is: 'script' },
      isRequired: true,
      description: 'Starlark: the value of its last expression, or of its main(ctx).',
    },
    resultPath,
    catch: catchClauses,
  }),
  wait: continuing(
    'a wait',
    {
      seconds: { kind: { is: 'number', min: 0, max: limits.maxTimeoutSeconds }, description: 'How long.' },
      until: { kind: { is: 'template', of: 'text' }, description: 'Until when: an RFC 3339 time.' },
    },
    { fields: ['seconds', 'until'], missing: 'MISSING_FIELD' },
  ),
  signal: continuing('a signal', {
    signal: {
      kind: { is: 'text', form: 'signalName' },
      isRequired: true,
      description: 'The name of the signal that is waited for.',
    },
    timeoutSeconds: { kind: seconds, description: 'How long it is waited for.' },
    schema: { kind: { is: 'schema' }, description: "The schema of the signal's payload." },
    resultPath,
    catch: catchClauses,
  }),
  workflow: continuing('a child workflow', {
    workflow: {
      kind: { is: 'reference', to: 'workflow' },
      isRequired: true,
      description: 'The id of the workflow that is run.',
    },
    input: { kind: { is: 'template', of: 'object' }, description: 'Its input.', standsFor: '{}' },
    wait: {
      kind: { is: 'flag' },
      description: 'Whether the state waits for the child to end.',
      standsFor: 'true',
    },
    resultPath,
    catch: catchClauses,
  }),
} as const satisfies { readonly [type: string]: Shape };

export type StateType = keyof typeof stateShapes;

export const stateTypes = Object.keys(stateShapes) as readonly StateType[];

export const isStateType = (type: string | undefined): type is StateType =>
  type !== undefined && Object.hasOwn(stateShapes, type);

/** What is known of a state whose type is not. */
export const untypedState: Shape = { title: 'a state', fields: { ...everyState, ...transition } };
