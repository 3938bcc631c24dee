import { describe, expect, test } from 'vitest';
import { evaluator } from '../test/support/evaluator.js';
import { expression, literal, object } from '../test/support/plans.js';
import { isJsonObject, type Json, renderTemplate, type Template } from './index.js';

const scope: { readonly [name: string]: Json } = { n: 5, who: 'ann', list: [1, 'x'], none: null };
const render = (template: Template) => renderTemplate(template, (name) => scope[name], evaluator);

describe('a template', () => {
  test('that is exactly one expression keeps the type of the value', () => {
    expect(render(expression('n'))).toEqual({ ok: true, value: 5 });
    expect(render(expression('none'))).toEqual({ ok: true, value: null });
  });

  test('with text around expressions has strings as they are and other values as compact JSON', () => {
    const parts = [
      { text: 'by ' },
      { expression: 'who' },
      { text: ': ' },
      { expression: 'list' },
      { expression: 'none' },
    ];
    expect(render({ kind: 'text', parts })).toEqual({ ok: true, value: 'by ann: [1,"x"]null' });
  });

  test('is filled at every depth', () => {
    const template = object({
      a: { kind: 'list', items: [expression('n'), literal({ b: 1 })] },
      c: literal(null),
    });
    expect(render(template)).toEqual({ ok: true, value: { a: [5, { b: 1 }], c: null } });
  });

  test('says which expression failed and where it stands', () => {
    const template = object({
      a: { kind: 'list', items: [literal(1), { kind: 'text', parts: [{ expression: 'nope' }] }] },
    });
    expect(render(template)).toMatchObject({
      ok: false,
      error: {
        code: 'TEMPLATE_ERROR',
        message: '{{ nope }} in "a[1]": nope is not defined',
        retryable: false,
        details: { expression: 'nope', path: ['a', 1] },
      },
    });
  });

  test('that hits a limit says so', () => {
    expect(render(expression('limit()'))).toMatchObject({ ok: false, error: { code: 'EXPRESSION_LIMIT' } });
  });

  test('makes keys that are names of an object’s machinery into plain fields', () => {
    const rendered = render({ kind: 'object', fields: [['__proto__', literal({ polluted: true })]] });
    const value = rendered.ok ? rendered.value : null;
    expect(isJsonObject(value) && Object.hasOwn(value, '__proto__')).toBe(true);
    expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined();
  });
});
