import { expect, test } from 'vitest';
import { limits } from '../limits.js';
import { readYamlValue } from './yaml-value.js';

test('YAML and JSON become the same value', () => {
  const value = { a: [1, 'two', null, true], b: { c: 0.5 } };
  expect(readYamlValue('a: [1, two, null, true]\nb: { c: 0.5 }\n', 'the input')).toEqual({ ok: true, value });
  expect(readYamlValue(JSON.stringify(value), 'the input')).toEqual({ ok: true, value });
});

test.each([
  ['a key that stands twice', 'a: 1\na: 2'],
  ['a number that loses digits', 'a: 12345678901234567890123'],
  ['a number that is too large', 'a: 1e400'],
  ['half a surrogate pair', 'a: "\\ud800"'],
  ['nesting over the limit', `a: ${'['.repeat(limits.maxJsonDepth)}${']'.repeat(limits.maxJsonDepth)}`],
])('%s is an error with its line', (_, text) => {
  const read = readYamlValue(text, 'the input');
  expect(read).toMatchObject({ ok: false, errors: [{ line: expect.any(Number) }] });
});
