/** The run-time rows of the schema tables: an agent's input is checked before it is asked, its output afterwards. */
import { eventually, startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  eventsOfStep,
  fields,
  type Json,
  putAgent,
  type Run,
  runs,
  runsWithAnswerOf,
  runToEnd,
  type State,
  stepOf,
  workflowSource,
} from './support/tables-platform.js';

let world: World;

const count = fields({ count: { type: 'integer' } });

/** What is handed over comes from the run's input, of which the workflow says nothing: only the run can tell. */
const given: State = { task: 'Count', variables: '{{ input.get("given") }}' };

const oneStep = (id: string, agent: string, more: State = {}): string =>
  workflowSource(id, [runs('ask', agent, given, more)]);

const runOf = (id: string, agent: string, variables: Json): Promise<Run> =>
  runToEnd(world, oneStep(id, agent), { given: variables });

/** Waits for the answer in the run that had to have one: what the worker wrote before that has been read then, too. */
const answeredIn = async (agent: string, run: Run): Promise<readonly string[]> =>
  eventually(
    () => {
      const runIds = runsWithAnswerOf(world, 'step-worker', agent);
      return runIds.includes(run.runId) ? runIds : undefined;
    },
    { describe: `the worker's log tells that ${agent} has answered in run ${run.runId}` },
  );

const typesOf = (events: readonly Readonly<Record<string, unknown>>[]) => events.map(({ type }) => type);

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'api', 'step-worker']);
  const answers = [{ output: { count: 7 } }];
  await putAgent(world, 'checks-input', { input: count, answers });
  await putAgent(world, 'checks-nothing', { answers });
  await putAgent(world, 'keeps-output', { output: count, answers });
  await putAgent(world, 'misses-output', { output: count, answers: [{ output: { total: 7 } }] });
});

afterAll(() => world?.stop());

describe('the input of an agent in a run', () => {
  test('input passes: the agent is asked and the step succeeds without a warning', async () => {
    const run = await runOf('input-passes', 'checks-input', { count: 1 });
    expect(run.status).toBe('COMPLETED');
    expect(stepOf(run, 'ask')).toMatchObject({ status: 'SUCCEEDED', warnings: [], error: null });
    const events = await eventsOfStep(world, run, 'ask');
    expect(typesOf(events)).toEqual(['step.scheduled', 'step.succeeded']);
    expect(await answeredIn('checks-input', run)).toContain(run.runId);
  });

  test('input misses a required field: the step is FAILED and the agent is not called', async () => {
    const run = await runOf('input-misses', 'checks-input', { total: 1 });
    expect(run).toMatchObject({ status: 'FAILED', error: { code: 'SCHEMA_VALIDATION_INPUT' } });
    const step = stepOf(run, 'ask');
    expect(step).toMatchObject({
      status: 'FAILED',
      attempt: 1,
      error: { code: 'SCHEMA_VALIDATION_INPUT', details: { agent: 'checks-input' } },
    });
    expect(step.error?.message).toContain('count');
    const events = await eventsOfStep(world, run, 'ask');
    expect(typesOf(events)).not.toContain('step.succeeded');
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'step.failed',
        error: expect.objectContaining({ code: 'SCHEMA_VALIDATION_INPUT', retryable: false }),
      }),
    );
    const later = await runOf('input-passes-later', 'checks-input', { count: 1 });
    expect(await answeredIn('checks-input', later)).not.toContain(run.runId);
  });

  test('an input that misses a required field is not tried again, however many attempts there are', async () => {
    const source = oneStep('input-misses-with-retry', 'checks-input', {
      retry: { maxAttempts: 3, backoffSeconds: 0.01 },
    });
    const run = await runToEnd(world, source, { given: {} });
    expect(stepOf(run, 'ask')).toMatchObject({ status: 'FAILED', attempt: 1 });
    const events = await eventsOfStep(world, run, 'ask');
    expect(typesOf(events).filter((type) => type === 'step.scheduled')).toHaveLength(1);
  });

  test('no input schema: any input is taken', async () => {
    const run = await runOf('no-input-schema', 'checks-nothing', { anything: ['at', 'all'] });
    expect(run.status).toBe('COMPLETED');
    expect(stepOf(run, 'ask')).toMatchObject({ status: 'SUCCEEDED', warnings: [] });
    expect(await answeredIn('checks-nothing', run)).toContain(run.runId);
  });
});

describe('the output of an agent in a run', () => {
  test('output passes: the step has no warning', async () => {
    const run = await runOf('output-passes', 'keeps-output', {});
    expect(run).toMatchObject({ status: 'COMPLETED', output: { steps: { ask: { count: 7 } } } });
    expect(stepOf(run, 'ask')).toMatchObject({ status: 'SUCCEEDED', warnings: [] });
    const [succeeded] = (await eventsOfStep(world, run, 'ask')).slice(-1);
    expect(succeeded).toMatchObject({ type: 'step.succeeded', output: { count: 7 } });
    expect(succeeded).not.toHaveProperty('warnings');
  });

  test('output misses a field: a warning is kept on the step and in its event, and the step succeeds', async () => {
    const run = await runOf('output-misses', 'misses-output', {});
    expect(run).toMatchObject({ status: 'COMPLETED', output: { steps: { ask: { total: 7 } } } });
    const warnings = [
      { code: 'SCHEMA_VALIDATION_OUTPUT', message: expect.stringMatching(/"misses-output".*count/) },
    ];
    const step = stepOf(run, 'ask');
    expect(step).toMatchObject({ status: 'SUCCEEDED', error: null, warnings });
    expect(await world.call('GET', `/api/v1/workflow-runs/${run.runId}/steps/${step.stepId}`)).toMatchObject({
      status: 'SUCCEEDED',
      warnings,
      output: { total: 7 },
    });
    expect(await eventsOfStep(world, run, 'ask')).toContainEqual(
      expect.objectContaining({ type: 'step.succeeded', output: { total: 7 }, warnings }),
    );
  });

  test('no output schema: any output is taken', async () => {
    const run = await runOf('no-output-schema', 'checks-nothing', {});
    expect(run).toMatchObject({ status: 'COMPLETED', output: { steps: { ask: { count: 7 } } } });
    const [succeeded] = (await eventsOfStep(world, run, 'ask')).slice(-1);
    expect(succeeded).toMatchObject({ type: 'step.succeeded' });
    expect(succeeded).not.toHaveProperty('warnings');
  });
});
