// cspell:ignore ctxx
import { describe, expect, test } from 'vitest';
import { formatPath, parsePath, parseWritePath } from './path.js';

describe('paths', () => {
  test.each([
    ['steps.diagnostics.pods.result', ['steps', 'diagnostics', 'pods', 'result']],
    ['services[0].name', ['services', 0, 'name']],
    ['ctx.config', ['config']],
    ['$.config', ['config']],
    ['$[0]', [0]],
    ['ctx', []],
    ['$', []],
    ['ctxx.a', ['ctxx', 'a']],
    ['steps.check-pods', ['steps', 'check-pods']],
    ['steps["a b"][\'c.d\']', ['steps', 'a b', 'c.d']],
    ['a[0][12]', ['a', 0, 12]],
  ])('%s', (text, path) => {
    expect(parsePath(text)).toEqual({ ok: true, path });
  });

  test.each([
    '',
    '.a',
    'a.',
    'a..b',
    'a b',
    'a[',
    'a[-1]',
    'a[b]',
    'a[0]b',
    'ctx..a',
    '{{ a }}',
    '__proto__.a',
    'a.constructor',
    'a["prototype"]',
    'a'.repeat(2000),
    Array.from({ length: 100 }, () => 'a').join('.'),
  ])('%s is refused', (text) => {
    expect(parsePath(text).ok).toBe(false);
  });

  test.each(['ctx', 'input.a', 'run', 'ctx.input', 'a[0]'])('%s cannot be written to', (text) => {
    expect(parseWritePath(text).ok).toBe(false);
  });

  test.each(['steps.check.items[0]', 'a["x y"]', 'ctx[3]'])('%s is written as it was', (text) => {
    const parsed = parsePath(text);
    expect(parsed.ok && formatPath(parsed.path)).toBe(text);
  });
});
