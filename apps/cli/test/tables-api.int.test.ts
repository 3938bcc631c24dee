// cspell:ignore countd greter secnd
/** The rows of the tables that are about the api's answers: how an agent is found, and what create and update say. */

import { startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  agentSource,
  createWorkflow,
  ended,
  fields,
  type Issue,
  putAgent,
  readWorkflow,
  request,
  runs,
  startRun,
  updateWorkflow,
  validateWorkflow,
  workflowSource,
} from './support/tables-platform.js';
import { type SecondApi, startSecondApi } from './support/tables-second-api.js';

let world: World;
let other: SecondApi;

const greeting = { answers: [{ output: { greeting: 'hello' } }] };
const greet = (id: string, agent: string): string =>
  workflowSource(id, [runs('greet', agent, { task: 'Hi' })]);

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'api', 'step-worker']);
  other = await startSecondApi(world, 'other');
  await putAgent(world, 'greeter', greeting);
  const elsewhere = await request(other.url, 'PUT', '/api/v1/agents/stranger', agentSource(greeting));
  expect(elsewhere.status).toBe(201);
});

afterAll(async () => {
  await other?.stop();
  await world?.stop();
});

/** The one error of a refused answer, which must have exactly one. */
const onlyError = ({ errors = [] }: { readonly errors?: readonly Issue[] }): Issue | undefined => {
  expect(errors).toHaveLength(1);
  return errors[0];
};

describe('agent resolution', () => {
  test('found by name: the workflow is created and its run is done by that agent', async () => {
    const created = await createWorkflow(world, greet('agent-found', 'greeter'));
    expect(created.status).toBe(201);
    const run = await ended(world, await startRun(world, 'agent-found'));
    expect(run).toMatchObject({ status: 'COMPLETED', output: { steps: { greet: { greeting: 'hello' } } } });
  });

  test('not found: 400 with "agent not found in environment", at the name', async () => {
    const source = greet('agent-not-found', 'greter');
    const { status, body } = await createWorkflow(world, source);
    expect(status).toBe(400);
    const issue = onlyError(body);
    expect(issue).toMatchObject({ code: 'AGENT_NOT_FOUND', path: '/states/0/input/agent' });
    expect(issue?.message).toContain('agent not found in environment');
    expect(issue?.hint).toContain('greeter');
    expect(source.split('\n')[(issue?.line ?? 0) - 1]).toContain('agent: greter');
    expect((await readWorkflow(world, 'agent-not-found')).status).toBe(404);
  });

  test('exists only in another workspace: not found here, found there', async () => {
    const source = greet('agent-elsewhere', 'stranger');
    const here = await createWorkflow(world, source);
    expect(here.status).toBe(400);
    const issue = onlyError(here.body);
    expect(issue?.code).toBe('AGENT_NOT_FOUND');
    expect(issue?.message).toContain('agent not found in environment');
    expect((await request(other.url, 'POST', '/api/v1/workflows', source)).status).toBe(201);
    expect((await request(world.apiUrl, 'GET', '/api/v1/agents/stranger')).status).toBe(404);
  });

  test('empty name: 400 with "agent name is required"', async () => {
    for (const name of ['', '   ']) {
      const { status, body } = await createWorkflow(world, greet('agent-without-name', name));
      expect(status).toBe(400);
      const issue = onlyError(body);
      expect(issue?.code).toBe('AGENT_NAME_REQUIRED');
      expect(issue?.message).toContain('agent name is required');
    }
  });

  test('legacy agent_id: works, with a deprecation warning', async () => {
    const source = greet('agent-by-old-field', 'greeter').replace('agent: greeter', 'agent_id: greeter');
    const { status, body } = await createWorkflow(world, source);
    expect(status).toBe(201);
    const deprecated = body.warnings?.filter(({ code }) => code === 'DEPRECATED_FIELD');
    expect(deprecated).toMatchObject([{ path: expect.stringContaining('/states/0/input') }]);
    expect(deprecated?.[0]?.message).toContain('agent_id');
    const run = await ended(world, await startRun(world, 'agent-by-old-field'));
    expect(run).toMatchObject({ status: 'COMPLETED', output: { steps: { greet: { greeting: 'hello' } } } });
  });
});

const unreachable = (id: string): string =>
  [
    `id: ${id}`,
    'start: first',
    'states:',
    '  - { name: first, type: inject, data: 1, end: true }',
    '  - { name: never, type: inject, data: 2, end: true }',
    '',
  ].join('\n');

const twoMistakes = (id: string): string =>
  [
    `id: ${id}`,
    'start: first',
    'states:',
    '  - name: first',
    '    type: operation',
    '    action: agent.run',
    '    input: { agent: greeter, task: Hi }',
    '    timeout: 60',
    '    next: secnd',
    '  - { name: second, type: inject, data: 2, end: true }',
    '',
  ].join('\n');

/** Where each is in `twoMistakes`. */
const theTwo = [
  {
    code: 'UNKNOWN_FIELD',
    path: '/states/0/timeout',
    line: 8,
    column: 5,
    message: expect.stringContaining('"timeout"'),
    hint: expect.stringContaining('timeoutSeconds'),
  },
  {
    code: 'UNKNOWN_TRANSITION_TARGET',
    path: '/states/0/next',
    line: 9,
    column: 11,
    message: expect.stringContaining('"secnd"'),
    hint: expect.stringContaining('second'),
  },
];

const asUnreachable = {
  code: 'UNREACHABLE_STATE',
  path: '/states/1',
  line: 5,
  message: expect.stringContaining('unreachable state'),
};

describe('the api', () => {
  test('201 on create, with the warnings, which stay with the version', async () => {
    const { status, body } = await createWorkflow(world, unreachable('created-with-warnings'));
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: 'created-with-warnings', version: 1, warnings: [asUnreachable] });
    const { body: stored } = await readWorkflow(world, 'created-with-warnings');
    expect(stored.warnings).toEqual(body.warnings);
  });

  test('400 with issues: each mistake with its code, path, line, column and message, in one pass', async () => {
    const { status, body } = await createWorkflow(world, twoMistakes('refused-with-issues'));
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'VALIDATION_FAILED', errors: theTwo });
    expect((await readWorkflow(world, 'refused-with-issues')).status).toBe(404);
  });

  test('validate tells the same without storing anything', async () => {
    const wrong = await validateWorkflow(world, twoMistakes('only-validated'));
    expect(wrong).toMatchObject({ status: 200, body: { valid: false, errors: theTwo } });
    const right = await validateWorkflow(world, unreachable('only-validated'));
    expect(right).toMatchObject({
      status: 200,
      body: { valid: true, errors: [], warnings: [asUnreachable] },
    });
    expect((await readWorkflow(world, 'only-validated')).status).toBe(404);
  });

  test('validate tells of a child workflow what create tells: that it is missing, or refuses its input', async () => {
    const inputSchema = fields({ count: { type: 'integer' } });
    const counted = workflowSource('counted', [{ name: 'count', type: 'inject', data: 1 }], { inputSchema });
    expect((await createWorkflow(world, counted)).status).toBe(201);
    for (const [workflow, code, path] of [
      ['countd', 'WORKFLOW_NOT_FOUND', '/states/0/workflow'],
      ['counted', 'SCHEMA_COMPATIBILITY', '/states/0/input/count'],
    ] as const) {
      const child = { name: 'child', type: 'workflow', workflow, input: { count: 'many' } };
      const source = workflowSource('runs-child', [child]);
      const validated = await validateWorkflow(world, source);
      expect(validated).toMatchObject({ status: 200, body: { valid: false, errors: [{ code, path }] } });
      const created = await createWorkflow(world, source);
      expect(created.status).toBe(400);
      expect(created.body.errors).toEqual(validated.body.errors);
    }
  });

  test('an update that breaks a schema is refused, and the old version stays and runs', async () => {
    await putAgent(world, 'counter', {
      output: fields({ count: { type: 'integer' } }),
      answers: [{ output: { count: 7 } }],
    });
    await putAgent(world, 'teller', {
      input: fields({ count: { type: 'integer' } }),
      answers: [{ output: { told: '{{ variables.count }}' } }],
    });
    await putAgent(world, 'namer', {
      output: fields({ name: { type: 'string' } }),
      answers: [{ output: { name: 'seven' } }],
    });
    const startingWith = (first: string) =>
      workflowSource('updated', [runs('first', first, { task: 'Go' }), runs('tell', 'teller')]);
    const source = startingWith('counter');
    expect((await createWorkflow(world, source)).status).toBe(201);

    const refused = await updateWorkflow(world, 'updated', startingWith('namer'));
    expect(refused.status).toBe(400);
    const issue = onlyError(refused.body);
    expect(issue).toMatchObject({
      code: 'SCHEMA_COMPATIBILITY',
      path: expect.stringContaining('/states/1'),
      message: expect.stringContaining('"count"'),
      counterexample: { name: expect.any(String) },
    });
    expect(await validateWorkflow(world, startingWith('namer'))).toMatchObject({
      body: { valid: false, errors: refused.body.errors },
    });

    expect((await readWorkflow(world, 'updated')).body).toMatchObject({ version: 1, source });
    const run = await ended(world, await startRun(world, 'updated'));
    expect(run).toMatchObject({ status: 'COMPLETED', output: { steps: { tell: { told: 7 } } } });
  });
});
