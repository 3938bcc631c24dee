// cspell:ignore serach
import { describe, expect, test } from 'vitest';
import { compiler } from '../../test/starlark-compiler.js';
import { type ParseOptions, parseWorkflow } from '../index.js';

const findings = (state: string, options: Partial<ParseOptions> = {}, top = ''): readonly string[] => {
  const text = `id: rules\nstart: a\n${top}states:\n  - { name: a, ${state}, end: true }\n`;
  const parsed = parseWorkflow(text, { compiler, ...options });
  return [...(parsed.ok ? [] : parsed.errors), ...parsed.warnings].map(({ code, path }) => `${code} ${path}`);
};
const approval = (input: string, rest = 'timeoutSeconds: 5') =>
  `type: operation, action: human.approval, input: { message: Go?, ${input} }, ${rest}`;

describe('approvals', () => {
  test('a quorum that named users cannot reach is an error', () => {
    expect(findings(approval('approvers: [user:a, user:a], quorum: 2'))).toEqual([
      'INVALID_VALUE /states/0/input/quorum',
    ]);
    expect(findings(approval('approvers: [user:a, team:b], quorum: 2'))).toEqual([]);
    expect(findings(approval('quorum: 2'))).toEqual([]);
  });

  test('approvers are users and teams', () => {
    expect(findings(approval('approvers: [alice]'))).toEqual(['INVALID_VALUE /states/0/input/approvers/0']);
  });

  test.each(['retry: { maxAttempts: 2 }', 'target: agent', 'outputValidation: strict'])(
    '%s has no meaning',
    (field) => {
      const [name] = field.split(':');
      expect(findings(approval('quorum: 1', `timeoutSeconds: 5, ${field}`))).toEqual([
        `INVALID_VALUE /states/0/${name}`,
      ]);
    },
  );

  test('without a timeout it may wait for ever', () => {
    expect(findings(approval('quorum: 1', 'optional: true'))).toEqual(['NO_TIMEOUT /states/0']);
  });
});

describe('names with a meaning of their own', () => {
  const each = (name: string) =>
    `type: foreach, itemsPath: input.x, itemName: ${name}, iterator: { states: [{ name: b, type: inject, data: 1, end: true }] }`;

  test.each(['ctx', 'index', 'input', 'if', 'lambda'])('an item cannot be called %s', (name) => {
    expect(findings(each(name))).toEqual(['INVALID_VALUE /states/0/itemName']);
  });

  test.each(['1st', 'a-b', '"a b"'])('an item cannot be called %s, which is no variable', (name) => {
    expect(findings(each(name))).toEqual(['INVALID_VALUE /states/0/itemName']);
  });
});

describe('a time that is waited for', () => {
  test.each([
    '2030-01-31T12:00:00Z',
    '2028-02-29 08:00:00+02:00',
    '{{ input.at }}',
    '{{ input.day }}T08:00:00Z',
  ])('may be %s', (until) => {
    expect(findings(`type: wait, until: "${until}"`)).toEqual([]);
  });

  test.each(['tomorrow', '2030-01-31', '2030-02-30T00:00:00Z', '2030-01-31T12:00:00'])(
    'cannot be %s',
    (until) => {
      expect(findings(`type: wait, until: "${until}"`)).toEqual(['INVALID_VALUE /states/0/until']);
    },
  );
});

describe('values', () => {
  test.each([
    ['timeoutSeconds: 0', '/timeoutSeconds'],
    ['timeoutSeconds: -1', '/timeoutSeconds'],
    ['timeoutSeconds: "5"', '/timeoutSeconds'],
    ['timeoutSeconds:', '/timeoutSeconds'],
    ['retry: { maxAttempts: 1.5 }', '/retry/maxAttempts'],
    ['retry: { maxAttempts: 0 }', '/retry/maxAttempts'],
    ['retry: [1]', '/retry'],
    ['retry: { retryOn: [NO_SUCH_CODE] }', '/retry/retryOn/0'],
    ['retry: { retryOn: [] }', '/retry/retryOn'],
    ['optional: "yes"', '/optional'],
    ['target: cloud', '/target'],
    ['catch: { errors: ["*"], next: a }', '/catch'],
    ['description: 1', '/description'],
  ])('%s is an error', (field, path) => {
    expect(findings(`type: operation, action: agent.run, input: { agent: x }, ${field}`)).toEqual([
      `INVALID_VALUE /states/0${path}`,
    ]);
  });

  test('end: false is an error', () => {
    const text = 'id: a\nstart: a\nstates: [{ name: a, type: inject, data: 1, end: false }]';
    const parsed = parseWorkflow(text, { compiler });
    expect(parsed.ok ? [] : parsed.errors).toMatchObject([{ code: 'INVALID_VALUE', path: '/states/0/end' }]);
  });
});

describe('what a definition refers to', () => {
  const environment = { workflows: new Set(['other']), tools: new Map([['search', {}]]) };

  test('a workflow may run itself and those of the environment', () => {
    expect(findings('type: workflow, workflow: rules', { environment })).toEqual([]);
    expect(findings('type: workflow, workflow: other', { environment })).toEqual([]);
    expect(findings('type: workflow, workflow: no-such', { environment })).toEqual([
      'WORKFLOW_NOT_FOUND /states/0/workflow',
    ]);
  });

  test('tools are those of the environment', () => {
    const call = (tool: string) => `type: operation, action: tool.call, input: { tool: ${tool} }`;
    expect(findings(call('search'), { environment })).toEqual(['NOT_SUPPORTED_YET /states/0/action']);
    expect(findings(call('serach'), { environment })).toContain('TOOL_NOT_FOUND /states/0/input/tool');
  });
});

describe('schemas', () => {
  const inject = 'type: inject, data: 1';

  test('are handed to the check as JSON, and what it says is an error at the schema', () => {
    const seen: unknown[] = [];
    const checkSchema = (schema: unknown) => {
      seen.push(schema);
      return { message: 'strange' };
    };
    const top = 'inputSchema: { type: object }\noutputSchema: true\n';
    expect(findings(inject, { checkSchema }, top)).toEqual([
      'INVALID_SCHEMA /inputSchema',
      'INVALID_SCHEMA /outputSchema',
    ]);
    expect(seen).toEqual([{ type: 'object' }, true]);
  });

  test.each(['[]', '1', '"object"'])('%s is none', (schema) => {
    expect(findings(inject, {}, `inputSchema: ${schema}\n`)).toEqual(['INVALID_SCHEMA /inputSchema']);
  });
});

describe('what is not supported yet is refused and never ignored', () => {
  test.each([
    ['triggers: { webhook: { path: x } }\n', '/triggers'],
    ['pins: { agents: { a: 1 } }\n', '/pins'],
    ['maxConcurrentRuns: 1\n', '/maxConcurrentRuns'],
    ['onFailure: rollback\n', '/onFailure'],
  ])('%s', (top, path) => {
    expect(findings('type: inject, data: 1', {}, top)).toEqual([`NOT_SUPPORTED_YET ${path}`]);
  });

  test.each([
    ['type: inject, data: 1, checkpoint: true', '/checkpoint'],
    ['type: operation, action: llm.chat, input: { model: a/b, prompt: x }', '/action'],
    ['type: operation, action: document.render, input: { template: x }', '/action'],
    [
      'type: operation, action: agent.run, input: { agent: x }, compensate: { action: agent.run, input: { agent: y } }',
      '/compensate',
    ],
  ])('%s', (state, path) => {
    expect(findings(state)).toEqual([`NOT_SUPPORTED_YET /states/0${path}`]);
  });
});
