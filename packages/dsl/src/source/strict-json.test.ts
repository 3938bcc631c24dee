import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../limits.js';
import { readJson } from './strict-json.js';

const faultOf = (input: string | Uint8Array) => {
  const read = readJson(input);
  return read.ok ? undefined : read.fault;
};

test('whatever JSON.stringify writes is read as what it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      fc.pre(!/\\u[dD][89a-fA-F]/.test(text));
      expect(readJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
      expect(readJson(Buffer.from(text))).toEqual({ ok: true, value: JSON.parse(text) });
    }),
  );
});

test('nothing is taken that JSON.parse refuses, and nothing throws', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '1',
    '-',
    '.',
    'e5',
    'true',
    'null',
    ' ',
    '"a"',
    '\u0001',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      if (readJson(text).ok) expect(() => JSON.parse(text)).not.toThrow();
    }),
    { numRuns: 5_000 },
  );
});

describe('numbers', () => {
  test.each([
    '0',
    '-0',
    '12345678901234',
    '9007199254740991',
    '9007199254740992',
    '1e21',
    '1.5e300',
    '0.1',
    '1E-7',
  ])('%s is kept as it is', (text) => {
    expect(readJson(text)).toEqual({ ok: true, value: Number(text) });
  });

  test.each([
    '0.10000000000000001',
    '0.30000000000000004',
    '2.2250738585072014e-308',
    '1.00',
    '123456789.000000000',
  ])('%s is what a program prints for a double', (text) => {
    expect(readJson(text).ok).toBe(true);
  });

  test.each([
    ['12345678901234567890123', 'would lose digits'],
    ['9007199254740993', 'would lose digits'],
    ['1.234567890123456789012', 'would lose digits'],
    ['1e400', 'larger than any number'],
    ['-1e400', 'larger than any number'],
    ['1e-400', 'would lose digits'],
  ])('%s is refused where it stands', (text, message) => {
    expect(faultOf(`{"a": [0,\n ${text}]}`)).toMatchObject({
      message: expect.stringContaining(message),
      path: '/a/1',
      line: 2,
      column: 2,
    });
  });
});

test('nesting up to the limit is read, and one level more is refused with the limit and the place', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  expect(readJson(nested(limits.maxJsonDepth)).ok).toBe(true);
  expect(faultOf(nested(limits.maxJsonDepth + 1))).toMatchObject({
    message: `collections are nested deeper than the limit of ${limits.maxJsonDepth} levels`,
    path: '/0'.repeat(limits.maxJsonDepth),
    line: 1,
    column: limits.maxJsonDepth + 1,
  });
  expect(faultOf('{"a":'.repeat(100_000))?.message).toContain('nested deeper');
});

test.each([
  ['a key that stands twice', '{"a": 1, "b": {"x": 1,\n"\\u0078": 2}}', '/b/x', 2, 1],
  ['a byte order mark', '\uFEFF{}', '', 1, 1],
  ['half a surrogate pair as an escape', '["\\ud800"]', '/0', 1, 2],
  ['half a surrogate pair', '["\udc00"]', '/0', 1, 2],
  ['a key that is half a surrogate pair', '{"\\udfff": 1}', '', 1, 2],
  ['a text without an end', '["a', '/0', 1, 2],
  ['a control character', '["a\tb"]', '/0', 1, 4],
  ['an unknown escape', '["\\x"]', '/0', 1, 3],
  ['a comma too many', '[1,]', '/1', 1, 4],
  ['a comment', '// x\n1', '', 1, 1],
  ['two values', '1 2', '', 1, 3],
  ['nothing', '', '', 1, 1],
  ['NaN', 'NaN', '', 1, 1],
  ['a number with a leading 0', '01', '', 1, 2],
  ['a single quote', "{'a': 1}", '', 1, 2],
])('%s is refused where it stands', (_, text, path, line, column) => {
  expect(faultOf(text)).toMatchObject({ path, line, column });
});

test('bytes that are not UTF-8 are refused with the number of the byte', () => {
  expect(faultOf(Uint8Array.from([0x22, 0x0a, 0xc3, 0x28, 0x22]))).toEqual({
    message: 'byte 2 is not UTF-8',
    path: '',
    line: 2,
    column: 1,
  });
});

test('a text of two million characters is read', () => {
  const long = 'x\\n'.repeat(700_000);
  expect(readJson(`{"a":"${long}"}`).ok).toBe(true);
});
