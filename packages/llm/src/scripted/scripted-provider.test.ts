import type { ScriptedAnswer } from '@signalbox/dsl';
import type { Evaluator, Json, Template } from '@signalbox/engine';
import { describe, expect, test } from 'vitest';
import type { Completion, ModelRequest } from '../model-provider.js';
import { createScriptedProvider } from './scripted-provider.js';

/** Knows names, `name == "text"` and `boom`; the real language has its tests in `starlark-wasm`. */
const evaluator: Evaluator = {
  expression: (source, lookup) => {
    if (source === 'boom') return { ok: false, code: 'EXPRESSION_ERROR', message: 'it went boom' };
    const [name = '', text] = source.split(' == ');
    const value = lookup(name) ?? null;
    return { ok: true, value: text === undefined ? value : value === JSON.parse(text) };
  },
  script: () => ({ ok: false, code: 'EXPRESSION_ERROR', message: 'no scripts here' }),
};
const provider = createScriptedProvider(evaluator);

const literal = (value: Json): Template => ({ kind: 'literal', value });
const answer = (part: Partial<ScriptedAnswer>): ScriptedAnswer => ({
  output: literal('fine'),
  latencyMs: 0,
  failTimes: 0,
  ...part,
});
const ask = (answers: readonly ScriptedAnswer[], part: Partial<ModelRequest> = {}): Promise<Completion> =>
  provider.complete({
    model: 'demo',
    messages: [{ role: 'user', content: 'Check pods' }],
    inputs: { task: 'Check pods in prod', variables: { channel: '#ops' }, attempt: 1 },
    config: { answers },
    attempt: 1,
    signal: new AbortController().signal,
    ...part,
  });

describe('the choice of an answer', () => {
  test('the first answer whose condition holds is taken, and the usage names the provider scripted', async () => {
    const completion = await ask([
      answer({ when: 'task == "something else"', output: literal('first') }),
      answer({ when: 'task == "Check pods in prod"', output: literal('second') }),
      answer({ output: literal('third') }),
    ]);
    expect(completion).toEqual({
      ok: true,
      answer: { kind: 'text', text: 'second' },
      usage: { provider: 'scripted', model: 'demo' },
    });
  });

  test('when none fits, AGENT_ERROR lists every condition that was tried', async () => {
    const completion = await ask([answer({ when: 'task == "a"' }), answer({ when: 'task == "b"' })]);
    expect(completion).toMatchObject({ ok: false, error: { code: 'AGENT_ERROR' } });
    expect(completion.ok ? '' : completion.error.message).toContain(
      '1. when task == "a"; 2. when task == "b"',
    );
  });

  test('an agent without answers fails with AGENT_ERROR', async () => {
    expect(await ask([])).toMatchObject({ ok: false, error: { code: 'AGENT_ERROR' } });
  });

  test('a condition that fails is an error of its own, not a condition that does not hold', async () => {
    const completion = await ask([answer({ when: 'boom' }), answer({})]);
    expect(completion).toMatchObject({ ok: false, error: { code: 'EXPRESSION_ERROR', retryable: false } });
  });

  test('an empty list, an empty object, zero and an empty text do not hold', async () => {
    for (const value of [[], {}, 0, '', null, false]) {
      const completion = await ask([answer({ when: 'value', output: literal('taken') }), answer({})], {
        inputs: { value },
      });
      expect(completion).toMatchObject({ answer: { text: 'fine' } });
    }
  });
});

describe('the answer itself', () => {
  test('a rendered output keeps its structure', async () => {
    const output: Template = {
      kind: 'object',
      fields: [['channel', { kind: 'expression', expression: 'variables' }]],
    };
    expect(await ask([answer({ output })])).toMatchObject({
      answer: { kind: 'value', value: { channel: { channel: '#ops' } } },
    });
  });

  test('an output that cannot be rendered is a TEMPLATE_ERROR that names the answer', async () => {
    const completion = await ask([answer({ output: { kind: 'expression', expression: 'boom' } })]);
    expect(completion).toMatchObject({ ok: false, error: { code: 'TEMPLATE_ERROR' } });
    expect(completion.ok ? '' : completion.error.message).toContain('scripted answer 1');
  });

  test('the first failTimes attempts are PROVIDER_UNAVAILABLE and retryable, the next one succeeds', async () => {
    const answers = [answer({ failTimes: 2 })];
    for (const attempt of [1, 2]) {
      expect(await ask(answers, { attempt })).toMatchObject({
        ok: false,
        error: { code: 'PROVIDER_UNAVAILABLE', retryable: true },
      });
    }
    expect(await ask(answers, { attempt: 3 })).toMatchObject({ ok: true });
  });

  test('a wait ends as soon as the signal aborts', async () => {
    const controller = new AbortController();
    const waiting = ask([answer({ latencyMs: 3_600_000 })], { signal: controller.signal });
    controller.abort();
    expect(await waiting).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
  });

  test('a signal that has aborted before gives no answer', async () => {
    expect(await ask([answer({})], { signal: AbortSignal.abort() })).toMatchObject({ ok: false });
  });
});
