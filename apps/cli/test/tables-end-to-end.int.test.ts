/** The end-to-end rows of the schema tables: what is found when a workflow is created, and what only in its run. */

import { startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createWorkflow,
  ended,
  eventsOfStep,
  fields,
  inLine,
  type Json,
  mustCreate,
  putAgent,
  type Run,
  readWorkflow,
  runs,
  runToEnd,
  type State,
  startRun,
  stepOf,
  workflowSource,
} from './support/tables-platform.js';

let world: World;

const text: Json = { type: 'string' };
const whole: Json = { type: 'integer' };
const namespace: State = { inputSchema: fields({ namespace: text }) };

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'api', 'step-worker']);
  await putAgent(world, 'collector', {
    input: fields({ namespace: text }),
    output: fields({ hosts: { type: 'array', items: text }, count: whole }),
    answers: [
      { output: { hosts: ['{{ variables.namespace }}-1', '{{ variables.namespace }}-2'], count: 2 } },
    ],
  });
  await putAgent(world, 'ranker', {
    input: fields({ hosts: { type: 'array', items: text }, count: whole }),
    output: fields({ worst: text }),
    answers: [{ output: { worst: '{{ variables.hosts[1] }}' } }],
  });
  await putAgent(world, 'reporter', {
    input: fields({ worst: text }),
    output: fields({ report: text }),
    answers: [{ output: { report: 'Look at {{ variables.worst }}' } }],
  });
  await putAgent(world, 'careless', {
    output: fields({ worst: text }),
    answers: [{ output: { best: 'web-1' } }],
  });
  await putAgent(world, 'listener', { answers: [{ output: { heard: '{{ variables }}' } }] });
  await putAgent(world, 'adder', {
    input: fields({ count: whole }),
    output: fields({ sum: whole }),
    answers: [{ output: { sum: '{{ variables.count + 1 }}' } }],
  });
});

afterAll(() => world?.stop());

const schemaCodes = (issues: readonly { readonly code: string }[] = []): string[] =>
  issues.map(({ code }) => code).filter((code) => code.startsWith('SCHEMA_'));

describe('a chain of agents', () => {
  test('three agents compatible: the workflow is created without a warning and its run completes', async () => {
    const chain = [runs('collect', 'collector'), runs('rank', 'ranker'), runs('report', 'reporter')];
    const created = await mustCreate(world, workflowSource('compatible-chain', chain, namespace));
    expect(schemaCodes(created.warnings)).toEqual([]);
    const run = await ended(world, await startRun(world, 'compatible-chain', { namespace: 'prod' }));
    expect(run).toMatchObject({
      status: 'COMPLETED',
      output: { steps: { report: { report: 'Look at prod-2' } } },
    });
    for (const name of ['collect', 'rank', 'report'])
      expect(stepOf(run, name)).toMatchObject({ status: 'SUCCEEDED', warnings: [] });
  });

  test('mismatch refused at creation: the answer is 400 with a counterexample, and nothing is stored', async () => {
    const chain = [runs('collect', 'collector'), runs('report', 'reporter')];
    const refused = await createWorkflow(world, workflowSource('mismatched-chain', chain, namespace));
    expect(refused.status).toBe(400);
    const found = refused.body.errors?.filter(({ code }) => code === 'SCHEMA_COMPATIBILITY');
    expect(found).toHaveLength(1);
    expect(found?.[0]).toMatchObject({
      path: expect.stringContaining('/states/1'),
      message: expect.stringMatching(/"collect".*"report".*"worst"/),
      counterexample: { hosts: expect.any(Array), count: expect.any(Number) },
    });
    expect(found?.[0]?.line).toBeGreaterThan(1);
    expect((await readWorkflow(world, 'mismatched-chain')).status).toBe(404);
  });

  test('unexpected output at run time warns and goes on', async () => {
    const run = await runToEnd(
      world,
      workflowSource('unexpected-output', [runs('rank', 'careless'), runs('listen', 'listener')]),
    );
    expect(run).toMatchObject({
      status: 'COMPLETED',
      output: { steps: { rank: { best: 'web-1' }, listen: { heard: { best: 'web-1' } } } },
    });
    const warning = { code: 'SCHEMA_VALIDATION_OUTPUT', message: expect.stringContaining('worst') };
    expect(stepOf(run, 'rank')).toMatchObject({ status: 'SUCCEEDED', warnings: [warning] });
    expect(await eventsOfStep(world, run, 'rank')).toContainEqual(
      expect.objectContaining({ type: 'step.succeeded', warnings: [warning] }),
    );
    expect(stepOf(run, 'listen')).toMatchObject({ status: 'SUCCEEDED', warnings: [] });
  });

  test('unexpected output that the next agent refuses fails that step, before the agent is called', async () => {
    const run = await runToEnd(
      world,
      workflowSource('unexpected-output-refused', [runs('rank', 'careless'), runs('report', 'reporter')]),
    );
    expect(run).toMatchObject({ status: 'FAILED', error: { code: 'SCHEMA_VALIDATION_INPUT' } });
    expect(stepOf(run, 'rank')).toMatchObject({ status: 'SUCCEEDED' });
    expect(stepOf(run, 'report').error?.message).toContain('worst');
  });

  test('agent removed after creation: the step fails with AGENT_NOT_FOUND and says what is missing', async () => {
    await putAgent(world, 'leaver', { answers: [{ output: 'here' }] });
    await mustCreate(
      world,
      workflowSource('agent-removed', [runs('stay', 'listener'), runs('ask', 'leaver')]),
    );
    await world.call('DELETE', '/api/v1/agents/leaver');
    const run = await ended(world, await startRun(world, 'agent-removed'));
    expect(run).toMatchObject({ status: 'FAILED', error: { code: 'AGENT_NOT_FOUND' } });
    expect(run.error?.message).toMatch(/"ask".*agent not found in environment: "leaver"/);
    expect(stepOf(run, 'stay').status).toBe('SUCCEEDED');
    expect(stepOf(run, 'ask')).toMatchObject({
      status: 'FAILED',
      attempt: 1,
      error: { code: 'AGENT_NOT_FOUND' },
    });
    expect((await eventsOfStep(world, run, 'ask')).map(({ type }) => type)).not.toContain('step.succeeded');
  });

  test('an agent removed during a run is still there for that run', async () => {
    await putAgent(world, 'late-leaver', { answers: [{ output: { still: 'here' } }] });
    const hold = { name: 'hold', type: 'signal', signal: 'go', timeoutSeconds: 60 };
    await mustCreate(world, workflowSource('agent-removed-meanwhile', [hold, runs('ask', 'late-leaver')]));
    const runId = await startRun(world, 'agent-removed-meanwhile');
    await world.call('DELETE', '/api/v1/agents/late-leaver');
    await world.call('POST', `/api/v1/workflow-runs/${runId}/signals/go`, {});
    expect(await ended(world, runId)).toMatchObject({
      status: 'COMPLETED',
      output: { steps: { ask: { still: 'here' } } },
    });
  });
});

const branch = (name: string, states: readonly State[]): State => ({ name, states: inLine(states) });

const bothBranches = (variables: { readonly left: Json; readonly right: Json }): State => ({
  name: 'both',
  type: 'parallel',
  branches: [
    branch('left', [runs('add', 'adder', { variables: variables.left })]),
    branch('right', [runs('add', 'adder', { variables: variables.right })]),
  ],
  join: { mode: 'settled' },
});

const eachItem = (variables: Json): State => ({
  name: 'each',
  type: 'foreach',
  itemsPath: 'items',
  toleratedFailures: 1,
  iterator: { states: inLine([runs('add', 'adder', { variables })]) },
});

const added = (run: Run, name: string): { status: string; code: string | undefined } => {
  const { status, error } = stepOf(run, name);
  return { status, code: error?.code };
};

const refusedInput = { status: 'FAILED', code: 'SCHEMA_VALIDATION_INPUT' };
const fine = { status: 'SUCCEEDED', code: undefined };

describe('branches and iterations', () => {
  test('parallel branches each checked, in the run: one is refused, the other goes on', async () => {
    const source = workflowSource('parallel-checked-in-run', [
      bothBranches({ left: '{{ input.get("left") }}', right: '{{ input.get("right") }}' }),
    ]);
    const run = await runToEnd(world, source, { left: { count: 1 }, right: { total: 1 } });
    expect(added(run, 'both/left/add')).toEqual(fine);
    expect(added(run, 'both/right/add')).toEqual(refusedInput);
    expect(run.status).toBe('COMPLETED');
  });

  test('parallel branches each checked, at creation: each branch that does not fit is an error of its own', async () => {
    const wrong = { count: '{{ steps.report.report }}' };
    const refused = await createWorkflow(
      world,
      workflowSource(
        'parallel-refused',
        [
          runs('report', 'reporter', { variables: { worst: 'web-1' } }),
          bothBranches({ left: wrong, right: wrong }),
        ],
        namespace,
      ),
    );
    expect(refused.status).toBe(400);
    const found = refused.body.errors?.filter(({ code }) => code === 'SCHEMA_COMPATIBILITY') ?? [];
    expect(found.map(({ path }) => path)).toEqual([
      expect.stringContaining('/states/1/branches/0/states/0'),
      expect.stringContaining('/states/1/branches/1/states/0'),
    ]);
    for (const issue of found) expect(issue.counterexample).toEqual(expect.any(String));
  });

  test('each foreach iteration checked, in the run: the item that does not fit fails, the others go on', async () => {
    const run = await runToEnd(world, workflowSource('foreach-checked-in-run', [eachItem('{{ item }}')]), {
      items: [{ count: 1 }, { total: 2 }, { count: 3 }],
    });
    expect(added(run, 'each/0/add')).toEqual(fine);
    expect(added(run, 'each/1/add')).toEqual(refusedInput);
    expect(added(run, 'each/2/add')).toEqual(fine);
    expect(run.status).toBe('COMPLETED');
  });

  test('each foreach iteration checked, at creation: items that do not fit are an error', async () => {
    const items = (item: Json): State => ({
      inputSchema: fields({ items: { type: 'array', items: item } }),
    });
    const states = [eachItem({ count: '{{ item.count }}' })];
    const refused = await createWorkflow(
      world,
      workflowSource('foreach-refused', states, items(fields({ count: text }))),
    );
    expect(refused.status).toBe(400);
    const found = refused.body.errors?.filter(({ code }) => code === 'SCHEMA_COMPATIBILITY') ?? [];
    expect(found).toMatchObject([
      {
        path: expect.stringContaining('/states/0/iterator/states/0'),
        counterexample: expect.any(String),
      },
    ]);
    const taken = await createWorkflow(
      world,
      workflowSource('foreach-taken', states, items(fields({ count: whole }))),
    );
    expect(taken.status, JSON.stringify(taken.body)).toBe(201);
  });
});
