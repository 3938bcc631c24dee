/** The table of the validator. */
import { expect, test } from 'vitest';
import { definition, findings, run, type State } from '../test/agents.js';

const agents = { checker: {}, sender: {} };
const task = { task: 'Go' };
const two = (first: string, second: string) => [
  run('one', first, task, { next: 'two' }),
  run('two', second, task),
];
const issuesOf = (states: readonly State[], rest: State = {}) =>
  findings(definition(states, rest), { agents });
const inject = (name: string, rest: State): State => ({ name, type: 'inject', data: 1, ...rest });

test('all agents exist: no finding', () => {
  expect(issuesOf(two('checker', 'sender'))).toEqual([]);
});

test('one agent is missing: one error', () => {
  expect(issuesOf(two('nobody', 'sender'))).toMatchObject([
    { code: 'AGENT_NOT_FOUND', severity: 'error', path: '/states/0/input/agent' },
  ]);
});

test('two agents are missing: two errors', () => {
  expect(issuesOf(two('nobody', 'nobody'))).toMatchObject([
    { code: 'AGENT_NOT_FOUND', path: '/states/0/input/agent' },
    { code: 'AGENT_NOT_FOUND', path: '/states/1/input/agent' },
  ]);
});

test('empty workflow: "workflow has no states"', () => {
  expect(findings('id: empty\nstates: []\n', { agents })).toMatchObject([
    { code: 'NO_STATES', severity: 'error', message: 'workflow has no states' },
  ]);
  expect(findings('id: empty\n', { agents })).toMatchObject([
    { code: 'NO_STATES', message: 'workflow has no states' },
  ]);
});

test('invalid start: "start state not found"', () => {
  expect(issuesOf(two('checker', 'sender'), { start: 'zero' })).toMatchObject([
    { code: 'START_NOT_FOUND', severity: 'error', path: '/start', message: 'start state not found: "zero"' },
  ]);
});

test('A → B → A warns: "circular transition detected"', () => {
  expect(issuesOf([inject('A', { next: 'B' }), inject('B', { next: 'A' })])).toMatchObject([
    { code: 'CIRCULAR_TRANSITION', severity: 'warning', message: 'circular transition detected: A → B → A' },
  ]);
});

test('unreachable warns: "unreachable state"', () => {
  expect(issuesOf([inject('A', { end: true }), inject('B', { end: true })])).toMatchObject([
    { code: 'UNREACHABLE_STATE', severity: 'warning', message: expect.stringContaining('unreachable state') },
  ]);
});
