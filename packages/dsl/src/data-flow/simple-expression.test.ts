import { expect, test } from 'vitest';
import { simpleExpressionOf } from './simple-expression.js';

test.each([
  ['steps.a.b', { kind: 'path', name: 'steps', keys: ['a', 'b'] }],
  [' ctx["a b"].c[0] ', { kind: 'path', name: 'ctx', keys: ['a b', 'c', 0] }],
  ["x['k'] . y", { kind: 'path', name: 'x', keys: ['k', 'y'] }],
  ['true', { kind: 'literal', value: true }],
  ['None', { kind: 'literal', value: null }],
  ['"a"', { kind: 'literal', value: 'a' }],
  ['-1.5', { kind: 'literal', value: -1.5 }],
  ['12', { kind: 'literal', value: 12 }],
  [
    'a.b == "x"',
    {
      kind: 'comparison',
      left: { kind: 'path', name: 'a', keys: ['b'] },
      operator: '==',
      right: { kind: 'literal', value: 'x' },
    },
  ],
  [
    'a not in b',
    {
      kind: 'comparison',
      left: { kind: 'path', name: 'a', keys: [] },
      operator: 'not in',
      right: { kind: 'path', name: 'b', keys: [] },
    },
  ],
  ['a < b < c', { kind: 'other' }],
  ['a or b', { kind: 'other' }],
  ['not a', { kind: 'other' }],
  ['a.get("x")', { kind: 'other' }],
  ['a[i]', { kind: 'other' }],
  ['a[-1]', { kind: 'other' }],
  ['"a\\n"', { kind: 'other' }],
  ['a == 1 if b else c', { kind: 'other' }],
  ['a + 1', { kind: 'other' }],
])('%s', (source, expected) => {
  expect(simpleExpressionOf(source)).toEqual(expected);
});

test('a long expression is not looked at', () => {
  expect(simpleExpressionOf(`a${'.b'.repeat(1000)}`)).toEqual({ kind: 'other' });
});
