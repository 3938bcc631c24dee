// cspell:ignore temprature ntemprature
import { describe, expect, test } from 'vitest';
import { compiler } from '../../test/starlark-compiler.js';
import { parseAgent } from '../index.js';

const file = (frontmatter: string, body = 'Do {{ task }}.') => `---\n${frontmatter}\n---\n${body}\n`;
const scripted = 'model: scripted/demo\nanswers:\n  - output: { ok: true }';
const errorsOf = (text: string) => {
  const parsed = parseAgent(text, 'checker', { compiler });
  return parsed.ok ? [] : parsed.errors;
};

describe('agents', () => {
  test('a file becomes plain JSON with every default written out', () => {
    const text = file(
      [
        'model: scripted/demo',
        'description: Checks pods.',
        'config: { temperature: 0.2 }',
        'input: { schema: { type: object } }',
        'output: { schema: { type: object, required: [status] } }',
        'timeoutSeconds: 2.5',
        'answers:',
        '  - when: \'"prod" in task and attempt > 1\'',
        '    output: { status: "{{ input.service }} is fine" }',
        '    latencyMs: 20',
        '    failTimes: 1',
        '  - output: { status: unknown }',
      ].join('\n'),
    );
    const parsed = parseAgent(text, 'checker', { compiler });
    expect(parsed).toEqual({
      ok: true,
      agent: {
        name: 'checker',
        description: 'Checks pods.',
        model: { provider: 'scripted', name: 'demo' },
        config: { temperature: 0.2 },
        inputSchema: { type: 'object' },
        outputSchema: { type: 'object', required: ['status'] },
        prompt: { kind: 'text', parts: [{ text: 'Do ' }, { expression: 'task' }, { text: '.' }] },
        answers: [
          {
            when: '"prod" in task and attempt > 1',
            output: {
              kind: 'object',
              fields: [
                ['status', { kind: 'text', parts: [{ expression: 'input.service' }, { text: ' is fine' }] }],
              ],
            },
            latencyMs: 20,
            failTimes: 1,
          },
          { output: { kind: 'literal', value: { status: 'unknown' } }, latencyMs: 0, failTimes: 0 },
        ],
        timeoutMs: 2500,
      },
    });
    expect(JSON.parse(JSON.stringify(parsed))).toEqual(parsed);
  });

  test('an unknown field is an error at its line in the file', () => {
    expect(errorsOf(file(`${scripted}\ntemprature: 1`))).toMatchObject([
      { code: 'UNKNOWN_FIELD', line: 5, column: 1 },
    ]);
    expect(errorsOf(file(`${scripted}\nconfig: { temprature: 1 }`))).toMatchObject([
      { code: 'UNKNOWN_FIELD', message: expect.stringContaining('did you mean "temperature"?') },
    ]);
  });

  test('a fault in the body is found at its line and column in the file', () => {
    expect(errorsOf(file(scripted, 'One.\nTwo {{ tsk }}.'))).toMatchObject([
      { code: 'UNDEFINED_NAME', line: 7, column: 8, hint: 'did you mean "task"?' },
    ]);
    expect(errorsOf(file(scripted, '{{#each x}}'))).toMatchObject([{ code: 'EXPRESSION_SYNTAX', line: 6 }]);
  });

  test('a fault in an answer is found', () => {
    expect(
      errorsOf(file('model: scripted/demo\nanswers: [{ when: "ctx.a", output: "{{ 1 + }}" }]')),
    ).toMatchObject([
      { code: 'UNDEFINED_NAME', line: 3 },
      { code: 'EXPRESSION_SYNTAX', line: 3 },
    ]);
  });

  test('scripted agents have answers, and no others do', () => {
    expect(errorsOf(file('model: scripted/demo'))).toMatchObject([{ code: 'MISSING_FIELD' }]);
    expect(errorsOf(file('model: openai/gpt-4o\nanswers: [{ output: 1 }]'))).toMatchObject([
      { code: 'INVALID_VALUE' },
    ]);
    expect(errorsOf(file('model: openai/gpt-4o'))).toEqual([]);
  });

  test.each([
    ['no frontmatter', 'Do it.'],
    ['no end of the frontmatter', '---\nmodel: a/b\nDo it.'],
    ['nothing at all', ''],
    ['an empty frontmatter', '---\n---\nDo it.'],
    ['a model without a provider', file('model: demo')],
    ['a list', file('- model: a/b')],
  ])('%s is an error', (_, text) => {
    expect(errorsOf(text).length).toBeGreaterThan(0);
  });

  test('carriage returns make no difference', () => {
    const parsed = parseAgent(file(scripted).replaceAll('\n', '\r\n'), 'checker', { compiler });
    expect(parsed).toMatchObject({ ok: true });
  });

  test('a prompt may have --- lines of its own', () => {
    expect(parseAgent(file(scripted, 'a\n---\nb'), 'checker', { compiler })).toMatchObject({
      agent: { prompt: { kind: 'literal', value: 'a\n---\nb' } },
    });
  });
});
