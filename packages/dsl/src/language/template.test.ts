import { describe, expect, test } from 'vitest';
import { parseTemplate, scanTemplateText } from './template.js';

const templateOf = (value: Parameters<typeof parseTemplate>[0]) => {
  const parsed = parseTemplate(value);
  return parsed.ok ? parsed.template : parsed.error;
};

describe('templates', () => {
  test('a text that is exactly one expression keeps the type of its value', () => {
    expect(templateOf('{{ ctx.a }}')).toEqual({ kind: 'expression', expression: 'ctx.a' });
    expect(templateOf('{{ctx.a}}')).toEqual({ kind: 'expression', expression: 'ctx.a' });
  });

  test('any other text with expressions is a text', () => {
    expect(templateOf(' {{ a }}-{{ b }}')).toEqual({
      kind: 'text',
      parts: [{ text: ' ' }, { expression: 'a' }, { text: '-' }, { expression: 'b' }],
    });
  });

  test('values without expressions stay as they are', () => {
    const value = { a: [1, 'x', null, true], b: { c: '}} }' } };
    expect(templateOf(value)).toEqual({ kind: 'literal', value });
  });

  test('objects and lists keep what is literal in them', () => {
    expect(templateOf({ a: [1, '{{ x }}'], b: { c: 1 } })).toEqual({
      kind: 'object',
      fields: [
        [
          'a',
          {
            kind: 'list',
            items: [
              { kind: 'literal', value: 1 },
              { kind: 'expression', expression: 'x' },
            ],
          },
        ],
        ['b', { kind: 'literal', value: { c: 1 } }],
      ],
    });
  });

  test.each([
    ['{{ {"a": {"b": 1}} }}', '{"a": {"b": 1}}'],
    ['{{ {"a": 1}}}', '{"a": 1}'],
    ['{{ [{"a": {}}] }}', '[{"a": {}}]'],
    ['{{ f({"a": 1}) }}', 'f({"a": 1})'],
    ['{{ "}}" }}', '"}}"'],
    ['{{ "{{" }}', '"{{"'],
    ["{{ '\\'}}' }}", "'\\'}}'"],
    ['{{ """a"}}""" }}', '"""a"}}"""'],
  ])('%s is one expression', (text, expression) => {
    expect(templateOf(text)).toEqual({ kind: 'expression', expression });
  });

  test('brackets that do not match end at the first braces, for the compiler to judge', () => {
    expect(templateOf('{{ f(a }} b')).toEqual({
      kind: 'text',
      parts: [{ expression: 'f(a' }, { text: ' b' }],
    });
    expect(templateOf('{{ {"a": 1 }} b')).toEqual({
      kind: 'text',
      parts: [{ expression: '{"a": 1' }, { text: ' b' }],
    });
  });

  test.each(['{{ a', 'x {{ a }', '{{ "a }}', '{{ }}', '{{}}'])('%s is a fault', (text) => {
    expect(parseTemplate(text)).toMatchObject({ ok: false, error: { index: text.indexOf('{{') } });
  });

  test('the places of expressions are those of their first characters', () => {
    expect(scanTemplateText('a {{  b }}{{c}}')).toMatchObject({
      expressions: [
        { source: 'b', index: 6 },
        { source: 'c', index: 12 },
      ],
    });
  });

  test('keys that objects have anyhow are keys like others', () => {
    const value = JSON.parse('{"__proto__": "{{ a }}", "toString": 1}');
    expect(templateOf(value)).toMatchObject({
      kind: 'object',
      fields: [
        ['__proto__', {}],
        ['toString', {}],
      ],
    });
  });
});
