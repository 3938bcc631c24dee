// cspell:ignore greter operaton serch strng nmae
/** For each code the smallest text that has it and no other. Tests run them; the reference of errors shows them. */
import type { IssueCode } from './codes.js';

const text = { type: 'string' } as const;

/** The environment of the examples: these names exist in it and no others. */
export const exampleEnvironment = {
  /** Each with its schemas: an agent may have both, one or none. */
  agents: {
    greeter: {},
    directory: {
      outputSchema: {
        type: 'object',
        properties: { name: text, email: text, age: { type: 'integer' } },
        required: ['name', 'age'],
      },
    },
    mailer: {
      inputSchema: { type: 'object', properties: { to: text }, required: ['to'] },
    },
  },
  tools: ['search'],
  workflows: ['clean-up'],
} as const;

const greet =
  '{ name: greet, type: operation, action: agent.run, input: { agent: greeter, task: Greet }, end: true }';
const head = 'id: example\nstart: greet\n';
const states = (...lines: readonly string[]): string =>
  ['states:', ...lines.map((line) => `  - ${line}`), ''].join('\n');
const workflow = (...lines: readonly string[]): string => head + states(...lines);
const say = (data: string): string => `{ name: greet, type: inject, data: ${data}, end: true }`;
const withInput = 'inputSchema: { type: object, properties: { name: { type: string } } }\n';

/** An agent answers, and the mailer is sent something of it. */
const mail = (agent: string, field: string): string =>
  workflow(
    greet.replace('agent: greeter', `agent: ${agent}`).replace('end: true', 'next: send'),
    `{ name: send, type: operation, action: agent.run, input: { agent: mailer, variables: { to: "{{ steps.greet.${field} }}" } }, end: true }`,
  );

export const codeExamples: { readonly [code in IssueCode]: string } = {
  INVALID_YAML: `id: example\nid: example\nstart: greet\n${states(greet)}`,
  EMPTY_DEFINITION: '# nothing yet\n',
  UNKNOWN_FIELD: workflow(greet.replace('end: true', 'timeout: 5, end: true')),
  UNKNOWN_TYPE: workflow('{ name: greet, type: operaton, end: true }'),
  UNKNOWN_ACTION: workflow('{ name: greet, type: operation, action: agent.rum, input: {}, end: true }'),
  MISSING_FIELD: workflow('{ name: greet, type: inject, end: true }'),
  INVALID_VALUE: workflow(greet.replace('end: true', 'timeoutSeconds: soon, end: true')),
  MISSING_WORKFLOW_ID: `start: greet\n${states(greet)}`,
  NO_STATES: 'id: example\nstates: []\n',
  DUPLICATE_STATE: workflow(greet, say('1')),
  START_NOT_FOUND: `id: example\nstart: great\n${states(greet)}`,
  UNKNOWN_TRANSITION_TARGET: workflow(greet.replace('end: true', 'next: report')),
  MISSING_TRANSITION: workflow(greet.replace(', end: true', '')),
  INVALID_PATH: workflow(say('1').replace('end: true', 'resultPath: "steps..greet", end: true')),
  EXPRESSION_SYNTAX: workflow(say('"{{ 1 + }}"')),
  UNDEFINED_NAME: `${withInput}${workflow(say('"{{ input.nmae }}"'))}`,
  TEMPLATE_SYNTAX: workflow(say('"Hello {{ input.name"')),
  INVALID_SCHEMA: `inputSchema: { type: strng }\n${workflow(greet)}`,
  AGENT_NAME_REQUIRED: workflow(greet.replace('agent: greeter', 'agent: ""')),
  AGENT_NOT_FOUND: workflow(greet.replace('agent: greeter', 'agent: greter')),
  TOOL_NOT_FOUND: workflow(
    '{ name: greet, type: operation, action: tool.call, input: { tool: serch }, end: true }',
  ),
  WORKFLOW_NOT_FOUND: workflow('{ name: greet, type: workflow, workflow: clean-upp, end: true }'),
  SCHEMA_COMPATIBILITY: mail('directory', 'age'),
  LIMIT_EXCEEDED: `id: ${'['.repeat(250)}`,
  NOT_SUPPORTED_YET: workflow(greet.replace('end: true', 'checkpoint: true, end: true')),
  CIRCULAR_TRANSITION: workflow(
    '{ name: greet, type: switch, conditions: [{ if: run.attempt > 3, next: last }], defaultNext: again }',
    '{ name: again, type: wait, seconds: 1, next: greet }',
    say('1').replace('greet', 'last'),
  ),
  UNREACHABLE_STATE: workflow(greet, say('1').replace('greet', 'never')),
  DEFAULT_START: `id: example\n${states(greet)}`,
  DEPRECATED_FIELD: workflow(greet.replace('agent: greeter', 'agent_id: greeter')),
  SCHEMA_OPTIONAL_FIELD: mail('directory', 'email'),
  SCHEMA_UNKNOWN: mail('greeter', 'result'),
  NAME_MAY_BE_ABSENT: `${withInput}${workflow(
    '{ name: greet, type: switch, conditions: [{ if: "input.name == \'Ann\'", next: known }], defaultNext: last }',
    say('Hello').replace('greet', 'known').replace('end: true', 'next: last'),
    say('"{{ steps.known }}"').replace('greet', 'last'),
  )}`,
  NO_TIMEOUT: workflow('{ name: greet, type: signal, signal: greeted, end: true }'),
};
