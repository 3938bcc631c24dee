import { parseAgent } from '@signalbox/dsl';
import type { Json } from '@signalbox/engine';
import {
  type Completion,
  createScriptedProvider,
  type ModelProvider,
  type ModelRequest,
} from '@signalbox/llm';
import type { JsonValue, StepTask } from '@signalbox/protocol';
import { createEvaluator, createStarlark } from '@signalbox/starlark-wasm';
import { createLogger } from '@signalbox/telemetry';
import { CheckThreads } from '@signalbox/validation';
import { describe, expect, test } from 'vitest';
import { createAgentRunExecutor } from './agent-run.js';

const evaluator = createEvaluator(createStarlark());
const checks = new CheckThreads();
const lines: string[] = [];
const logger = createLogger({ service: 'test', level: 'debug', write: (line) => void lines.push(line) });

/** Answers with what it is told to, and keeps what it was asked. */
const recording = (completion: Completion) => {
  const requests: ModelRequest[] = [];
  const provider: ModelProvider = {
    name: 'recording',
    complete: async (request) => {
      requests.push(request);
      return completion;
    },
  };
  return { provider, requests };
};

const answering = (answer: string | { value: Json }): Completion => ({
  ok: true,
  answer:
    typeof answer === 'string' ? { kind: 'text', text: answer } : { kind: 'value', value: answer.value },
  usage: { provider: 'recording', model: 'm' },
});

/** An agent's file as its author writes it, parsed as the orchestrator does, sent as JSON. */
const agentOf = (frontmatter: string, prompt = '{{ task }}'): JsonValue => {
  const parsed = parseAgent(`---\n${frontmatter}\n---\n${prompt}\n`, 'pod-checker');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return JSON.parse(JSON.stringify(parsed.agent)) as JsonValue;
};

const taskWith = (part: Partial<StepTask>): StepTask => ({
  runId: 'r1',
  stepId: 's1',
  attempt: 1,
  claim: 'c',
  workspace: 'default',
  workflow: { id: 'w', version: 1 },
  scope: '',
  state: 'check_pods',
  action: 'agent.run',
  input: { agent: 'pod-checker', task: 'Check pods' },
  outputValidation: 'warn',
  scheduledAt: 0,
  idempotencyKey: 'default:r1:s1:1',
  ...part,
});

const run = (part: Partial<StepTask>, providers: readonly ModelProvider[], signal?: AbortSignal) =>
  createAgentRunExecutor({ evaluator, providers, checks }).execute(taskWith(part), {
    signal: signal ?? new AbortController().signal,
    logger,
    worker: 'w1',
  });

const scripted = [createScriptedProvider(evaluator)];

describe('which agent', () => {
  test('no agent in the task fails with AGENT_NOT_FOUND: agent not found in environment', async () => {
    const execution = await run({ agent: null }, scripted);
    expect(execution).toMatchObject({ ok: false, error: { code: 'AGENT_NOT_FOUND', retryable: false } });
    expect(execution.ok ? '' : execution.error.message).toContain('agent not found in environment');
  });

  test.each(['', '   ', undefined])('the name %j fails: agent name is required', async (agent) => {
    const input: JsonValue = agent === undefined ? {} : { agent };
    const execution = await run({ input, agent: agentOf('model: recording/m') }, scripted);
    expect(execution).toMatchObject({ ok: false, error: { message: 'agent name is required' } });
  });

  test('a definition that cannot be read fails for good and calls nothing', async () => {
    const { provider, requests } = recording(answering('x'));
    const execution = await run({ agent: { model: 'recording/m' } }, [provider]);
    expect(execution).toMatchObject({ ok: false, error: { code: 'AGENT_ERROR', retryable: false } });
    expect(requests).toEqual([]);
  });

  test('a provider that the worker lacks fails for good and names those it has', async () => {
    const execution = await run({ agent: agentOf('model: nowhere/m') }, scripted);
    expect(execution).toMatchObject({
      ok: false,
      error: { code: 'PROVIDER_UNAVAILABLE', retryable: false, details: { known: ['scripted'] } },
    });
  });
});

describe('what the agent is asked', () => {
  const withSchema = agentOf(
    'model: recording/m\ninput: { schema: { type: object, properties: { channel: { type: string } }, required: [channel] } }',
    'Write to {{ variables.channel }}: {{ task }} (attempt {{ attempt }})',
  );

  test('the prompt is rendered from task, variables and attempt', async () => {
    const { provider, requests } = recording(answering('sent'));
    await run(
      {
        agent: withSchema,
        attempt: 3,
        input: { agent: 'pod-checker', task: 'Say hello', variables: { channel: '#ops' } },
      },
      [provider],
    );
    expect(requests.map(({ messages }) => messages[0]?.content.trim())).toEqual([
      'Write to #ops: Say hello (attempt 3)',
    ]);
    expect(requests[0]?.inputs.input).toEqual({ channel: '#ops' });
  });

  test.each([
    [5, '5'],
    [['a', { b: null }], '["a",{"b":null}]'],
    [null, 'null'],
  ])(
    'a task that is no text (%j) is written as JSON, for the prompt and for the schema that names it',
    async (task, text) => {
      const agent = agentOf(
        'model: recording/m\ninput: { schema: { type: object, properties: { task: { type: string } }, required: [task] } }',
        'Do {{ task }}.',
      );
      const { provider, requests } = recording(answering('done'));
      expect(await run({ agent, input: { agent: 'pod-checker', task } }, [provider])).toMatchObject({
        ok: true,
      });
      expect(requests[0]?.messages[0]?.content.trim()).toBe(`Do ${text}.`);
      expect(requests[0]?.inputs.input).toEqual({ task: text });
    },
  );

  test('task is part of the checked input only where the schema names it', async () => {
    const agent = agentOf(
      'model: recording/m\ninput: { schema: { type: object, properties: { task: { type: string } }, required: [task], additionalProperties: false } }',
    );
    const { provider, requests } = recording(answering('done'));
    expect(await run({ agent }, [provider])).toMatchObject({ ok: true });
    expect(requests[0]?.inputs.input).toEqual({ task: 'Check pods' });
  });

  test('an input that misses a required field fails with SCHEMA_VALIDATION_INPUT and the agent is not called', async () => {
    const { provider, requests } = recording(answering('sent'));
    const execution = await run({ agent: withSchema }, [provider]);
    expect(execution).toMatchObject({
      ok: false,
      error: { code: 'SCHEMA_VALIDATION_INPUT', retryable: false },
    });
    expect(execution.ok ? '' : execution.error.message).toContain("required property 'channel'");
    expect(requests).toEqual([]);
  });

  test('a prompt that cannot be rendered fails with TEMPLATE_ERROR and the agent is not called', async () => {
    const { provider, requests } = recording(answering('sent'));
    const agent = agentOf('model: recording/m', '{{ variables.chanel }}');
    const execution = await run({ agent }, [provider]);
    expect(execution).toMatchObject({ ok: false, error: { code: 'TEMPLATE_ERROR' } });
    expect(requests).toEqual([]);
  });
});

describe('what the agent answers', () => {
  const plain = agentOf('model: recording/m');
  const structured = agentOf(
    'model: recording/m\noutput: { schema: { type: object, properties: { total: { type: integer } }, required: [total] } }',
  );
  const outputFor = async (agent: JsonValue, answer: string | { value: Json }, part = {}) =>
    run({ agent, ...part }, [recording(answering(answer)).provider]);

  test.each([
    ['plain text', 'all is well', { result: 'all is well' }],
    ['one JSON object', '{"total": 3}', { total: 3 }],
    ['one JSON object in a Markdown fence', '```json\n{"total": 3}\n```', { total: 3 }],
    ['a JSON list, which is no object', '[1, 2]', { result: '[1, 2]' }],
    ['a number, which is no object', '42', { result: '42' }],
  ])('without an output schema, %s', async (_what, text, output) => {
    expect(await outputFor(plain, text)).toEqual({ ok: true, output });
  });

  test('with an output schema a structured answer is the output', async () => {
    expect(await outputFor(structured, { value: { total: 3 } })).toEqual({ ok: true, output: { total: 3 } });
  });

  test('an output that misses a field succeeds with a warning', async () => {
    const execution = await outputFor(structured, '{"count": 3}');
    expect(execution).toMatchObject({
      ok: true,
      output: { count: 3 },
      warnings: [{ code: 'SCHEMA_VALIDATION_OUTPUT' }],
    });
  });

  test('under strict output validation it fails with SCHEMA_VALIDATION_OUTPUT', async () => {
    const execution = await outputFor(structured, '{"count": 3}', { outputValidation: 'strict' });
    expect(execution).toMatchObject({ ok: false, error: { code: 'SCHEMA_VALIDATION_OUTPUT' } });
  });

  test("a provider's failure is the step's, with the agent's name", async () => {
    const { provider } = recording({
      ok: false,
      error: { code: 'PROVIDER_RATE_LIMITED', message: 'slow down', retryable: true },
    });
    expect(await run({ agent: plain }, [provider])).toMatchObject({
      ok: false,
      error: { code: 'PROVIDER_RATE_LIMITED', message: 'agent "pod-checker": slow down', retryable: true },
    });
  });
});

describe('with the provider scripted', () => {
  const agent = agentOf(
    [
      'model: scripted/demo',
      'answers:',
      `  - when: '"prod" in task'`,
      '    output: { total: 12, asked: "{{ task }}" }',
      '  - output: "nothing to see"',
      '    failTimes: 1',
    ].join('\n'),
  );

  test('conditions and outputs are Starlark over the same names, and the log says who answered', async () => {
    const execution = await run({ agent, input: { agent: 'pod-checker', task: 'Check prod' } }, scripted);
    expect(execution).toEqual({ ok: true, output: { total: 12, asked: 'Check prod' } });
    expect(lines.join('')).toContain('"provider":"scripted"');
  });

  test('failTimes makes the first attempt fail and the second succeed', async () => {
    expect(await run({ agent, attempt: 1 }, scripted)).toMatchObject({
      ok: false,
      error: { code: 'PROVIDER_UNAVAILABLE', retryable: true },
    });
    expect(await run({ agent, attempt: 2 }, scripted)).toEqual({
      ok: true,
      output: { result: 'nothing to see' },
    });
  });

  test("an answer that takes longer than the agent's timeout fails as PROVIDER_UNAVAILABLE", async () => {
    const slow = agentOf(
      'model: scripted/demo\ntimeoutSeconds: 0.02\nanswers: [{ output: late, latencyMs: 3600000 }]',
    );
    expect(await run({ agent: slow }, scripted)).toMatchObject({
      ok: false,
      error: { code: 'PROVIDER_UNAVAILABLE', retryable: true },
    });
  });

  test('an abort ends the wait', async () => {
    const slow = agentOf('model: scripted/demo\nanswers: [{ output: late, latencyMs: 3600000 }]');
    expect(await run({ agent: slow }, scripted, AbortSignal.abort())).toMatchObject({
      ok: false,
      error: { code: 'CANCELLED' },
    });
  });
});
