import { stepError } from '@signalbox/engine';
import { maxStepPayloadBytes, type StepTask } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { expect, test } from 'vitest';
import { createExecutorRegistry } from './registry.js';
import type { StepExecutor } from './step-executor.js';

const task = (action: string): StepTask => ({
  runId: 'r1',
  stepId: 's1',
  attempt: 1,
  claim: 'c',
  workspace: 'default',
  workflow: { id: 'w', version: 1 },
  scope: '',
  state: 'check_pods',
  action,
  input: {},
  outputValidation: 'warn',
  scheduledAt: 0,
  idempotencyKey: 'default:r1:s1:1',
});

const lines: string[] = [];
const context = () => ({
  signal: new AbortController().signal,
  logger: createLogger({ service: 'test', level: 'debug', write: (line) => void lines.push(line) }),
  worker: 'worker-7',
});

const executor = (action: string, execute: StepExecutor['execute']): StepExecutor => ({ action, execute });

test('an unknown action fails with INTERNAL that names the state, the worker and the actions it knows', async () => {
  const registry = createExecutorRegistry([
    executor('tool.call', async () => ({ ok: true, output: null })),
    executor('agent.run', async () => ({ ok: true, output: null })),
  ]);
  const execution = await registry.execute(task('llm.chat'), context());
  expect(execution).toMatchObject({ ok: false, error: { code: 'INTERNAL', retryable: false } });
  expect(execution.ok ? '' : execution.error.message).toMatch(
    /check_pods.*llm\.chat.*worker-7.*agent\.run, tool\.call/,
  );
});

test('two executors for one action are refused when the registry is made', () => {
  const twice = executor('agent.run', async () => ({ ok: true, output: null }));
  expect(() => createExecutorRegistry([twice, twice])).toThrow('agent.run');
});

test('an executor that throws ends as INTERNAL and its cause is in the log', async () => {
  const registry = createExecutorRegistry([
    executor('agent.run', async () => {
      throw new TypeError('x is not a function', { cause: new Error('the root of it') });
    }),
  ]);
  const execution = await registry.execute(task('agent.run'), context());
  expect(execution).toMatchObject({ ok: false, error: { code: 'INTERNAL' } });
  expect(lines.join('')).toContain('the root of it');
});

test('an output of exactly the limit passes; one byte more is PAYLOAD_TOO_LARGE naming size, limit and state', async () => {
  const registry = createExecutorRegistry([
    executor('agent.run', async (given) => ({ ok: true, output: given.input })),
  ]);
  const fitting = 'x'.repeat(maxStepPayloadBytes - 2);
  expect(await registry.execute({ ...task('agent.run'), input: fitting }, context())).toEqual({
    ok: true,
    output: fitting,
  });
  const execution = await registry.execute({ ...task('agent.run'), input: `${fitting}x` }, context());
  expect(execution).toMatchObject({
    ok: false,
    error: {
      code: 'PAYLOAD_TOO_LARGE',
      retryable: false,
      details: {
        state: 'check_pods',
        sizeBytes: maxStepPayloadBytes + 1,
        limitBytes: maxStepPayloadBytes,
      },
    },
  });
});

test("an error's message and details are cut to what can travel", async () => {
  const registry = createExecutorRegistry([
    executor('agent.run', async () => ({
      ok: false,
      error: stepError('AGENT_ERROR', 'm'.repeat(1_000_000), { big: 'd'.repeat(1_000_000) }),
    })),
  ]);
  const execution = await registry.execute(task('agent.run'), context());
  expect(JSON.stringify(execution).length).toBeLessThan(10_000);
  expect(execution).toMatchObject({ ok: false, error: { code: 'AGENT_ERROR', retryable: true } });
});
