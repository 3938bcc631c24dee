/** The input of each action of an operation. */
import { maxQuorum } from '@signalbox/engine';
import type { actionNames } from './state-shapes.js';
import type { Shape } from './value-kind.js';

export const actionInputs = {
  'agent.run': {
    title: 'the input of agent.run',
    fields: {
      agent: {
        kind: { is: 'reference', to: 'agent' },
        isRequired: true,
        missing: 'AGENT_NAME_REQUIRED',
        oldNames: ['agent_id'],
        description: 'The name of an agent of the environment.',
      },
      task: {
        kind: { is: 'template', of: 'text' },
        description: 'What the agent is to do, in words. A value that is no text is written as JSON.',
      },
      variables: { kind: { is: 'template', of: 'object' }, description: 'Structured input of the agent.' },
    },
  },
  'human.approval': {
    title: 'the input of human.approval',
    fields: {
      message: { kind: { is: 'template', of: 'text' }, isRequired: true, description: 'What is asked.' },
      summaryPath: { kind: { is: 'path', use: 'read' }, description: 'The value that is shown with it.' },
      approvers: {
        kind: { is: 'list', of: { is: 'text', form: 'approver' }, minCount: 1 },
        description: 'Who may decide.',
        standsFor: 'everyone',
      },
      quorum: {
        kind: { is: 'number', min: 1, max: maxQuorum, isWhole: true },
        description: 'How many must approve.',
        standsFor: '1',
      },
      allowRequester: {
        kind: { is: 'flag' },
        description: 'Whether who started the run may approve.',
        standsFor: 'false',
      },
      onReject: {
        kind: { is: 'choice', of: ['cancel', 'fail'] },
        description: 'What becomes of the run when it is rejected.',
        standsFor: 'cancel',
      },
    },
  },
  'tool.call': {
    title: 'the input of tool.call',
    fields: {
      tool: { kind: { is: 'reference', to: 'tool' }, isRequired: true, description: 'The name of a tool.' },
      arguments: { kind: { is: 'template', of: 'object' }, description: 'What the tool is called with.' },
    },
  },
  'llm.chat': {
    title: 'the input of llm.chat',
    fields: {
      model: { kind: { is: 'text', form: 'model' }, isRequired: true, description: 'Provider and model.' },
      system: { kind: { is: 'template', of: 'text' }, description: 'Instructions.' },
      prompt: {
        kind: { is: 'template', of: 'text' },
        isRequired: true,
        description: 'What is said to the model.',
      },
    },
  },
  'document.render': {
    title: 'the input of document.render',
    fields: {
      template: {
        kind: { is: 'template', of: 'text' },
        isRequired: true,
        description: 'The text of the document.',
      },
      format: {
        kind: { is: 'choice', of: ['markdown', 'html', 'text'] },
        description: 'What the document is written in.',
        standsFor: 'markdown',
      },
    },
  },
} as const satisfies { readonly [action in (typeof actionNames)[number]]: Shape };
