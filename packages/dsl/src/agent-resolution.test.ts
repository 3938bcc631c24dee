// cspell:ignore cheker
/** The table of agent resolution: which agent a name in a definition means. */
import { expect, test } from 'vitest';
import { agentsOf, definition, findings, run } from '../test/agents.js';
import { compiler } from '../test/starlark-compiler.js';
import { parseWorkflow } from './index.js';

const agents = { checker: {}, sender: {} };
const of = (agent: string) => findings(definition([run('one', agent, { task: 'Go' })]), { agents });

test('found by name: no finding, and the plan names the agent', () => {
  const text = definition([run('one', 'checker', { task: 'Go' })]);
  const parsed = parseWorkflow(text, { compiler, environment: { agents: agentsOf(agents) } });
  expect(parsed).toMatchObject({ ok: true, warnings: [], plan: { agents: ['checker'] } });
});

test('not found: "agent not found in environment", with the nearest name', () => {
  expect(of('cheker')).toMatchObject([
    {
      code: 'AGENT_NOT_FOUND',
      severity: 'error',
      path: '/states/0/input/agent',
      message: 'agent not found in environment: "cheker"',
      hint: 'did you mean "checker"?',
    },
  ]);
});

test('exists only in another workspace: not found', () => {
  const text = definition([run('one', 'checker', { task: 'Go' })]);
  const here = agentsOf({ sender: {} });
  const elsewhere = agentsOf({ checker: {} });
  const issuesIn = (known: typeof here) => parseWorkflow(text, { compiler, environment: { agents: known } });
  expect(issuesIn(here)).toMatchObject({ ok: false, errors: [{ code: 'AGENT_NOT_FOUND' }] });
  expect(issuesIn(elsewhere)).toMatchObject({ ok: true });
});

test.each(['', ' '])('empty name (%j): "agent name is required"', (name) => {
  expect(of(name)).toMatchObject([
    { code: 'AGENT_NAME_REQUIRED', message: 'agent name is required', path: '/states/0/input/agent' },
  ]);
});

test('no name: "agent name is required"', () => {
  const state = { ...run('one', 'x', {}), input: { task: 'Go' } };
  expect(findings(definition([state]), { agents })).toMatchObject([
    { code: 'AGENT_NAME_REQUIRED', message: 'agent name is required', path: '/states/0/input' },
  ]);
});

test('legacy agent_id: works with a deprecation warning', () => {
  const state = { ...run('one', 'x', {}), input: { agent_id: 'checker', task: 'Go' } };
  const parsed = parseWorkflow(definition([state]), { compiler, environment: { agents: agentsOf(agents) } });
  expect(parsed).toMatchObject({ ok: true, plan: { agents: ['checker'] } });
  expect(parsed.warnings).toMatchObject([{ code: 'DEPRECATED_FIELD', path: '/states/0/input/agent_id' }]);
});
