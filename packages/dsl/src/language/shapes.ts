/** Every object of the language that is neither a state nor an action's input. */
import { stepErrorCodes } from '@signalbox/engine';
import { limits } from '../limits.js';
import { actionField, targetField, transitionTarget } from './state-shapes.js';
import type { Field, Shape, ShapeName, ValueKind } from './value-kind.js';

const errorCode: ValueKind = { is: 'choice', of: stepErrorCodes };
const scopeFields = {
  start: {
    kind: { is: 'target', unknown: 'START_NOT_FOUND' },
    description: 'The first state.',
    standsFor: 'the first of the list',
  },
  states: { kind: { is: 'states' }, isRequired: true, missing: 'NO_STATES', description: 'The states.' },
} as const satisfies Shape['fields'];

const output = (description: string): Field => ({ kind: { is: 'template', of: 'any' }, description });

const count = (max: number): ValueKind => ({ is: 'number', min: 1, max, isWhole: true });
const text: ValueKind = { is: 'text', form: 'any' };

export const shapes: { readonly [name in ShapeName]: Shape } = {
  workflow: {
    title: 'a workflow',
    fields: {
      id: {
        kind: { is: 'text', form: 'workflowId' },
        isRequired: true,
        missing: 'MISSING_WORKFLOW_ID',
        description: 'Stable name of the workflow.',
      },
      version: { kind: { is: 'label' }, description: "The author's label.", standsFor: '1' },
      name: { kind: text, description: 'For readers.', standsFor: 'the id' },
      description: { kind: text, description: 'For readers.' },
      inputSchema: { kind: { is: 'schema' }, description: "JSON Schema of the run's input." },
      outputSchema: { kind: { is: 'schema' }, description: "JSON Schema of the run's output." },
      output: output("The run's output; the whole context when it is left out."),
      ...scopeFields,
      timeoutSeconds: {
        kind: { is: 'number', above: 0, max: limits.maxTimeoutSeconds },
        description: 'Time for the whole run.',
      },
      onFailure: {
        kind: { is: 'choice', of: ['fail', 'rollback'] },
        description: 'What is done when a step fails for good.',
        standsFor: 'fail',
      },
      maxConcurrentRuns: { kind: count(100_000), description: 'How many runs may be under way at once.' },
      maxEvents: {
        kind: { is: 'number', isWhole: true, min: 100, max: 10_000_000 },
        description: 'How many events a run may have; past them it fails with LIMIT_EXCEEDED.',
        standsFor: "the operator's limit, 100,000",
      },
      maxStateVisits: {
        kind: { is: 'number', isWhole: true, min: 2, max: 1_000_000 },
        description:
          'How often one state may be visited without anything from outside between (a step, a signal, a wait); past that the run fails with LIMIT_EXCEEDED.',
        standsFor: "the operator's limit, 1,000",
      },
      maxFamilyRuns: {
        kind: { is: 'number', isWhole: true, min: 1, max: 10_000_000 },
        description:
          'How many runs there may be in all where a run of this workflow is the root run: itself, its child runs, theirs, and so on; a state that would start one more fails with LIMIT_EXCEEDED. In a child run it has no effect.',
        standsFor: "the operator's limit, 10,000",
      },
      triggers: { kind: { is: 'shape', shape: 'triggers' }, description: 'What starts runs.' },
      pins: { kind: { is: 'shape', shape: 'pins' }, description: 'Fixed versions of what runs use.' },
    },
  },
  triggers: {
    title: 'triggers',
    fields: {
      webhook: {
        kind: { is: 'shape', shape: 'webhookTrigger' },
        description: 'An HTTP request starts a run.',
      },
      schedule: {
        kind: { is: 'list', of: { is: 'shape', shape: 'scheduleTrigger' }, minCount: 1 },
        description: 'Times at which runs start.',
      },
    },
  },
  webhookTrigger: {
    title: 'a webhook',
    fields: {
      path: { kind: text, isRequired: true, description: 'Last part of its address.' },
      input: { kind: { is: 'template', of: 'object' }, description: "The run's input, made of the request." },
    },
  },
  scheduleTrigger: {
    title: 'a schedule',
    fields: {
      cron: { kind: text, isRequired: true, description: 'Five fields of cron.' },
      timezone: { kind: text, description: 'Name of the time zone.', standsFor: 'UTC' },
      input: { kind: { is: 'template', of: 'object' }, description: "The run's input." },
    },
  },
  pins: {
    title: 'pins',
    fields: {
      models: { kind: { is: 'map', of: { is: 'label' } }, description: 'Model → version.' },
      agents: { kind: { is: 'map', of: { is: 'label' } }, description: 'Agent → version.' },
      connectors: { kind: { is: 'map', of: { is: 'label' } }, description: 'Connector → version.' },
    },
  },
  condition: {
    title: 'a condition',
    fields: {
      if: { kind: { is: 'expression' }, isRequired: true, description: 'The condition.' },
      next: {
        kind: transitionTarget,
        isRequired: true,
        oldNames: ['transition'],
        description: 'The state that follows when it is true.',
      },
    },
  },
  branch: {
    title: 'a branch',
    fields: {
      name: {
        kind: { is: 'text', form: 'name' },
        isRequired: true,
        description: 'Unique among the branches.',
      },
      ...scopeFields,
      output: output('What the branch hands over instead of all that it wrote.'),
    },
  },
  iterator: {
    title: 'an iterator',
    fields: { ...scopeFields, output: output('What an iteration hands over instead of all that it wrote.') },
  },
  join: {
    title: 'a join',
    fields: {
      mode: {
        kind: { is: 'choice', of: ['all', 'any', 'settled'] },
        isRequired: true,
        description: 'all: every branch succeeds; any: the first success; settled: every branch has ended.',
      },
    },
  },
  retry: {
    title: 'a retry',
    fields: {
      maxAttempts: {
        kind: count(limits.maxAttempts),
        description: 'The first attempt counts.',
        standsFor: '1',
      },
      backoffSeconds: {
        kind: { is: 'number', min: 0, max: limits.maxTimeoutSeconds },
        description: 'Pause before the second attempt.',
        standsFor: '1',
      },
      multiplier: {
        kind: { is: 'number', min: 1, max: 100 },
        description: 'By what each pause is longer than the one before.',
        standsFor: '2',
      },
      maxBackoffSeconds: {
        kind: { is: 'number', min: 0, max: limits.maxTimeoutSeconds },
        description: 'The longest pause.',
        standsFor: '60',
      },
      retryOn: {
        kind: { is: 'list', of: errorCode, minCount: 1 },
        description: 'Only these errors are retried.',
      },
      abortOn: {
        kind: { is: 'list', of: errorCode, minCount: 1 },
        description: 'These errors are not retried.',
      },
    },
  },
  catch: {
    title: 'a catch',
    fields: {
      errors: {
        kind: { is: 'list', of: { is: 'choice', of: ['*', ...stepErrorCodes] }, minCount: 1 },
        isRequired: true,
        description: 'Codes of errors; "*" is every error.',
      },
      next: {
        kind: transitionTarget,
        isRequired: true,
        oldNames: ['transition'],
        description: 'The state that follows.',
      },
      resultPath: { kind: { is: 'path', use: 'write' }, description: 'Where the error is written.' },
    },
  },
  compensation: {
    title: 'a compensation',
    fields: {
      action: actionField,
      input: { kind: { is: 'actionInput' }, isRequired: true, description: 'Input of the action.' },
      target: targetField,
    },
  },
  agent: {
    title: 'an agent',
    fields: {
      model: { kind: { is: 'text', form: 'model' }, isRequired: true, description: 'Provider and model.' },
      description: { kind: text, description: 'What the agent does.' },
      config: { kind: { is: 'shape', shape: 'agentConfig' }, description: 'Settings of the model.' },
      input: { kind: { is: 'shape', shape: 'agentSchema' }, description: 'What the agent takes.' },
      output: { kind: { is: 'shape', shape: 'agentSchema' }, description: 'What the agent answers with.' },
      timeoutSeconds: {
        kind: { is: 'number', above: 0, max: limits.maxTimeoutSeconds },
        description: 'Time for one answer.',
      },
      answers: {
        kind: { is: 'list', of: { is: 'shape', shape: 'scriptedAnswer' }, minCount: 1 },
        description: 'What the provider "scripted" answers: the first whose condition holds.',
      },
    },
  },
  agentConfig: {
    title: 'the config of an agent',
    fields: {
      temperature: { kind: { is: 'number', min: 0, max: 2 }, description: 'How freely the model chooses.' },
      maxOutputTokens: { kind: count(10_000_000), description: 'The longest answer.' },
    },
  },
  agentSchema: {
    title: 'the input or output of an agent',
    fields: { schema: { kind: { is: 'schema' }, isRequired: true, description: 'JSON Schema.' } },
  },
  scriptedAnswer: {
    title: 'an answer',
    fields: {
      when: { kind: { is: 'expression' }, description: 'Condition over input, task, variables and attempt.' },
      output: { kind: { is: 'template', of: 'any' }, isRequired: true, description: 'The answer.' },
      latencyMs: {
        kind: { is: 'number', min: 0, max: 3_600_000, isWhole: true },
        description: 'How long the answer takes.',
        standsFor: '0',
      },
      failTimes: {
        kind: { is: 'number', min: 0, max: limits.maxAttempts, isWhole: true },
        description: 'How many first attempts fail.',
        standsFor: '0',
      },
    },
  },
};
