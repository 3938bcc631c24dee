// cspell:ignore cheker operaton
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compiler } from '../test/starlark-compiler.js';
import type { AgentDefinition, Issue } from './index.js';
import { type ParseOptions, parseWorkflow, validateWorkflow } from './index.js';

const triage = readFileSync(
  new URL('../test/fixtures/incident-triage.workflow.yaml', import.meta.url),
  'utf8',
);

const agentsOf = (...names: string[]): ReadonlyMap<string, AgentDefinition> =>
  new Map(
    names.map((name) => [
      name,
      {
        name,
        model: { provider: 'scripted', name: 'demo' },
        config: {},
        prompt: { kind: 'literal', value: '' },
      },
    ]),
  );
const triageAgents = ['k8s-pod-checker', 'slo-analyzer', 'k8s-remediator', 'notification-sender'];

const issuesOf = (text: string | Uint8Array, options: Partial<ParseOptions> = {}): readonly Issue[] => {
  const parsed = parseWorkflow(text, { compiler, ...options });
  return [...(parsed.ok ? [] : parsed.errors), ...parsed.warnings];
};
const short = (issues: readonly Issue[]): readonly string[] =>
  issues.map(({ code, line, column, path }) => `${line}:${column} ${code} ${path}`);
const planOf = (text: string) => {
  const parsed = parseWorkflow(text, { compiler });
  if (!parsed.ok) throw new Error(parsed.errors.map(({ message }) => message).join('\n'));
  return parsed.plan;
};

const operation = (rest: string) =>
  `id: one\nstart: work\nstates:\n  - name: work\n    type: operation\n    action: agent.run\n    input: { agent: a }\n    end: true\n${rest}`;

describe('the incident triage workflow', () => {
  test('has neither errors nor warnings with its agents', () => {
    expect(issuesOf(triage, { environment: { agents: agentsOf(...triageAgents) } })).toEqual([]);
  });

  test('becomes a plan with every default written out', () => {
    const plan = planOf(triage);
    expect(plan.agents).toEqual([...triageAgents].sort());
    expect(plan.root.start).toBe('inject_defaults');
    expect(plan.root.states.inject_defaults).toMatchObject({ resultPath: ['config'], next: 'diagnostics' });
    expect(plan.root.states.diagnostics).toMatchObject({ join: 'all', maxConcurrency: 2, catch: [] });
    expect(plan.root.states.decide).toMatchObject({
      dataPath: ['steps', 'diagnostics', 'errors', 'result'],
      conditions: [{ if: 'error_rate > ctx.config.thresholds.errorRate', next: 'request_approval' }],
      defaultNext: 'report_ok',
    });
    expect(plan.root.states.request_approval).toMatchObject({
      timeoutMs: 3_600_000,
      resultPath: ['steps', 'request_approval'],
      takesPreviousOutput: false,
      retry: { maxAttempts: 1, initialBackoffMs: 1000, multiplier: 2, maxBackoffMs: 60_000 },
    });
    expect(plan.root.states.report_ok).toMatchObject({ next: null });
  });

  test('survives a round trip through JSON', () => {
    const plan = planOf(triage);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  test('is the same plan when it is written as JSON', () => {
    const parsed = parseWorkflow(triage, { compiler });
    if (!parsed.ok) throw new Error('the fixture is valid');
    expect(planOf(JSON.stringify(parsed.definition))).toEqual(parsed.plan);
  });
});

describe('plan', () => {
  test('an approval has every field of its input, and its summary as a list of keys', () => {
    const plan = planOf(triage);
    const state = plan.root.states.request_approval;
    if (state?.type !== 'operation' || state.input.kind !== 'object')
      throw new Error('an approval with a template');
    expect(Object.fromEntries(state.input.fields)).toMatchObject({
      approvers: { kind: 'literal', value: [] },
      quorum: { kind: 'literal', value: 1 },
      allowRequester: { kind: 'literal', value: false },
      onReject: { kind: 'literal', value: 'cancel' },
      summaryPath: { kind: 'literal', value: ['steps', 'diagnostics'] },
    });
  });

  test('agent.run without task and variables takes the output of the step before', () => {
    expect(planOf(operation('')).root.states.work).toMatchObject({ takesPreviousOutput: true });
    const withTask = operation('').replace('agent: a', 'agent: a, task: Go');
    expect(planOf(withTask).root.states.work).toMatchObject({ takesPreviousOutput: false });
  });

  test('fractions of a second become whole milliseconds', () => {
    expect(planOf(operation('    timeoutSeconds: 0.25\n')).root.states.work).toMatchObject({
      timeoutMs: 250,
    });
  });

  test('an unquoted version keeps its spelling', () => {
    expect(planOf(`version: 1.10\n${operation('')}`).version).toBe('1.10');
  });

  test('version and name have defaults', () => {
    expect(planOf(operation(''))).toMatchObject({ version: '1', name: 'one', onFailure: 'fail' });
  });
});

describe('diagnostics', () => {
  test('an unknown field names the state type and the nearest field, at its own place', () => {
    const [issue] = issuesOf(operation('    timeout: 5\n'));
    expect(issue).toEqual({
      code: 'UNKNOWN_FIELD',
      severity: 'error',
      path: '/states/0/timeout',
      line: 9,
      column: 5,
      message: '"timeout" is not a field of an operation; did you mean "timeoutSeconds"?',
      hint: 'write "timeoutSeconds"',
    });
  });

  test('several errors are found in one pass, in the order of the text', () => {
    const text = [
      'id: Many Faults',
      'states:',
      '  - { name: a, type: inject, dta: 1, next: c }',
      '  - { name: b, type: operaton, end: true }',
      '  - { name: a, type: switch, conditions: [{ if: "1 +", next: b }] }',
      '',
    ].join('\n');
    expect(short(issuesOf(text).filter(({ severity }) => severity === 'error'))).toEqual([
      '1:5 INVALID_VALUE /id',
      '3:5 MISSING_FIELD /states/0',
      '3:30 UNKNOWN_FIELD /states/0/dta',
      '3:44 UNKNOWN_TRANSITION_TARGET /states/0/next',
      '4:22 UNKNOWN_TYPE /states/1/type',
      '5:13 DUPLICATE_STATE /states/2/name',
      '5:53 EXPRESSION_SYNTAX /states/2/conditions/0/if',
    ]);
  });

  test('faults deep within branches and iterators are found like those at the top', () => {
    const text = [
      'id: deep',
      'start: each',
      'states:',
      '  - name: each',
      '    type: foreach',
      '    itemsPath: input.items',
      '    end: true',
      '    iterator:',
      '      states:',
      '        - name: both',
      '          type: parallel',
      '          end: true',
      '          branches:',
      '            - name: left',
      '              states:',
      '                - { name: l, type: operation, action: agent.run, input: { agent: nobody, tsk: x }, next: r }',
      '            - name: right',
      '              states: []',
      '',
    ].join('\n');
    const issues = issuesOf(text, { environment: { agents: agentsOf('somebody') } });
    expect(short(issues)).toEqual([
      '16:82 AGENT_NOT_FOUND /states/0/iterator/states/0/branches/0/states/0/input/agent',
      '16:90 UNKNOWN_FIELD /states/0/iterator/states/0/branches/0/states/0/input/tsk',
      '16:106 UNKNOWN_TRANSITION_TARGET /states/0/iterator/states/0/branches/0/states/0/next',
      '18:23 NO_STATES /states/0/iterator/states/0/branches/1/states',
    ]);
  });

  test('a transition into another scope says that it must stay beside', () => {
    const text = [
      'id: two',
      'start: fork',
      'states:',
      '  - name: fork',
      '    type: parallel',
      '    branches: [{ name: b, states: [{ name: in, type: inject, data: 1, next: after }] }]',
      '    next: after',
      '  - { name: after, type: inject, data: 1, end: true }',
      '',
    ].join('\n');
    expect(issuesOf(text)).toMatchObject([
      { code: 'UNKNOWN_TRANSITION_TARGET', hint: expect.stringContaining('another scope') },
    ]);
  });

  test('an unquoted template is told to be put in quotes', () => {
    const text = operation('').replace('agent: a', 'agent: a, task: {{ ctx.x }}');
    expect(issuesOf(text)).toMatchObject([
      { code: 'INVALID_YAML', line: 7, hint: expect.stringContaining('quotes') },
    ]);
  });

  test('a condition in braces is told to leave them out', () => {
    const text = `id: c\nstart: s\nstates:\n  - { name: s, type: switch, conditions: [{ if: "{{ ctx.a }} > 1", next: s }] }\n`;
    expect(issuesOf(text)).toContainEqual(
      expect.objectContaining({ code: 'EXPRESSION_SYNTAX', hint: expect.stringContaining('leave out') }),
    );
  });
});

describe('agents', () => {
  const environment = { agents: agentsOf('checker', 'sender') };
  const text = (first: string, second: string) =>
    `id: w\nstart: one\nstates:\n  - { name: one, type: operation, action: agent.run, input: { ${first} }, next: two }\n  - { name: two, type: operation, action: agent.run, input: { ${second} }, end: true }\n`;

  test('a name cannot be a template', () => {
    expect(issuesOf(text('agent: "{{ ctx.who }}"', 'agent: sender'), { environment })).toMatchObject([
      { code: 'INVALID_VALUE', line: 4 },
    ]);
  });

  test('without an environment names are not checked', () => {
    expect(issuesOf(text('agent: nobody', 'agent: sender'))).toEqual([]);
  });
});

describe('older spellings', () => {
  const text =
    'id: old\nstart: a\nstates:\n  - { id: a, type: operation, input: { task: agent.run, agent_id: x }, transition: b }\n  - { id: b, type: operation, input: { task: human.approval, message: Go? }, timeoutSeconds: 5, end: true }\n';

  test('give the same plan as the new ones', () => {
    const now = planOf(
      'id: old\nstart: a\nstates:\n  - { name: a, type: operation, action: agent.run, input: { agent: x }, next: b }\n  - { name: b, type: operation, action: human.approval, input: { message: Go? }, timeoutSeconds: 5, end: true }\n',
    );
    expect(planOf(text)).toEqual(now);
  });

  test('each have a warning at their own place', () => {
    expect(short(issuesOf(text))).toEqual([
      '4:7 DEPRECATED_FIELD /states/0/id',
      '4:40 DEPRECATED_FIELD /states/0/input/task',
      '4:57 DEPRECATED_FIELD /states/0/input/agent_id',
      '4:72 DEPRECATED_FIELD /states/0/transition',
      '5:7 DEPRECATED_FIELD /states/1/id',
      '5:40 DEPRECATED_FIELD /states/1/input/task',
    ]);
  });

  test('beside the new one are an error', () => {
    const both = text.replace('id: a,', 'id: a, name: a,');
    expect(issuesOf(both).filter(({ severity }) => severity === 'error')).toMatchObject([
      { code: 'INVALID_VALUE', path: '/states/0/id' },
    ]);
  });
});

describe('transitions', () => {
  const chain = (...states: string[]) =>
    `id: w\nstart: a\nstates:\n${states.map((s) => `  - { ${s} }\n`).join('')}`;
  const inject = (name: string, rest: string) => `name: ${name}, type: inject, data: 1, ${rest}`;

  test('a state is reached through a catch', () => {
    const failing =
      'name: a, type: operation, action: agent.run, input: { agent: x }, catch: [{ errors: ["*"], next: b }], end: true';
    expect(issuesOf(chain(failing, inject('b', 'end: true')))).toEqual([]);
  });

  test('next and end together are an error', () => {
    expect(issuesOf(chain(inject('a', 'next: a, end: true')))).toContainEqual(
      expect.objectContaining({ code: 'INVALID_VALUE', path: '/states/0/end' }),
    );
  });

  test('a switch has neither next nor end', () => {
    const text = chain(
      'name: a, type: switch, conditions: [{ if: "True", next: b }], end: true',
      inject('b', 'end: true'),
    );
    expect(issuesOf(text)).toMatchObject([{ code: 'UNKNOWN_FIELD', path: '/states/0/end' }]);
  });
});

test('validate answers with errors and warnings apart', () => {
  const result = validateWorkflow(`id: w\nstates:\n  - { name: a, type: inject, end: true }\n`, { compiler });
  expect(result.valid).toBe(false);
  expect(result.errors.map(({ code }) => code)).toEqual(['MISSING_FIELD']);
  expect(result.warnings.map(({ code }) => code)).toEqual(['DEFAULT_START']);
});
