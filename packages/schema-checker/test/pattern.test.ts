// cspell:ignore afoo foob xfoox mega
import { describe, expect, test } from 'vitest';
import { compilePattern } from '../src/compile-pattern.js';
import { isValid } from '../src/index.js';

const patterns = [
  '',
  'a',
  '^a',
  'a$',
  '^a$',
  '^(a|b)*c$',
  '^(a+)+$',
  '^[a-z][a-z0-9-]{0,62}$',
  '^\\d{3}-\\d{4}$',
  '^\\D+$',
  '\\w\\W',
  '^\\S+\\s\\S+$',
  '^.$',
  '^.*$',
  '^[^]$',
  '[]',
  '^[^a]$',
  '^[\\d.]+$',
  '^[a\\-z]$',
  '^[-az]$',
  '^[\\b]$',
  '^\\/$',
  '^\\x41\\u0042\\u{43}\\cJ$',
  '^[\\u{1F600}-\\u{1F64F}]$',
  '^\\ud83d\\ude00$',
  '^\\ud83d$',
  '^😀{2}$',
  '\\bfoo\\b',
  '^\\b',
  '\\b$',
  '\\Boo\\B',
  '^(?:\\b|x)a',
  '^\\p{L}+$',
  '^\\P{L}+$',
  '^[\\p{Lu}\\d]+$',
  '^\\p{Script=Greek}+$',
  '^\\p{Emoji}$',
  '^\\p{Cs}$',
  '^(?=.*\\d)(?=.*[a-z]).{3,}$',
  '^(?!foo)\\w+$',
  '^(?<year>\\d{4})$',
  'a|b|',
  '^a|b$',
  '(^a)|(b$)',
  'a*?b',
  'a{2}',
  'a{2,}',
  '^a{0}$',
  '^(?:a|ab)(?:c|bcd)(?:d*)$',
  '$^',
  'a$b',
  '^^a$$',
  '\\0',
  '\\t|\\n|\\v|\\f|\\r',
  'K',
  'ſ',
];

const texts = [
  '',
  'a',
  'b',
  'A',
  'ab',
  'aab',
  'abab',
  'aaaa',
  'aaaa!',
  'abcd',
  'abc',
  'c',
  'foo',
  'a foo b',
  'afoo',
  'foob',
  'xfoox',
  'oo',
  'ooo',
  'x',
  'xa',
  '!a',
  'a\n',
  '\na',
  'a\nb',
  'a\r',
  '\r',
  '\n',
  '\t',
  '\v',
  '\u2028',
  '\u2029',
  '\u00a0',
  '\u0085',
  '\ufeff',
  'a\u3000b',
  '555-1234',
  '٣٣٣-١٢٣٤',
  '123',
  '12.5',
  '2026',
  '-',
  'z',
  '\b',
  '/',
  'ABC\n',
  '😀',
  '😀😀',
  '\ud83d',
  '\ude00',
  '\ude00\ud83d',
  'é',
  'e\u0301',
  'Ω',
  'Ω mega',
  'ÄÖÜ1',
  'ß',
  'K',
  '\u212a',
  'ſ',
  '\0',
  'a1b',
  'abc1',
  'a-',
  'a-b-c',
  '_',
  ' ',
];

describe('a pattern means what ECMA-262 says', () => {
  test.each(patterns)('%j over every text', (source) => {
    const compiled = compilePattern(source);
    if (!compiled.ok) throw new Error(compiled.reason);
    const reference = new RegExp(source, 'u');
    const matches = (own: (text: string) => boolean) => texts.filter(own);
    expect(matches((text) => compiled.pattern.test(text))).toEqual(matches((text) => reference.test(text)));
  });

  test.each(patterns)('%j in the checker, which reasons with the same automaton', (source) => {
    const reference = new RegExp(source, 'u');
    const verdicts = texts.map((text) => isValid({ pattern: source }, text));
    expect(verdicts).toEqual(texts.map((text) => (reference.test(text) ? 'valid' : 'invalid')));
  });
});

test.each([
  ['(a)\\1', 'back-reference'],
  ['(?<x>a)\\k<x>', 'back-reference'],
  ['a(?=b)', 'look-ahead'],
  ['(?<!a)b', 'look-around'],
  ['^(?=a)b|c', 'alternatives'],
  ['a{4000}{4000}', 'Nothing to repeat'],
  ['(?:a{4000}){4000}', 'repetitions'],
  ['(', 'Unterminated group'],
  ['\\-', 'Invalid escape'],
  ['\\p{Nothing}', 'Invalid property name'],
  ['a'.repeat(6_000), 'more than 5000 characters'],
])('%j is not supported, and the reason says why', (source, reason) => {
  const compiled = compilePattern(source);
  expect(compiled.ok ? 'supported' : compiled.reason).toContain(reason);
});

describe('time is linear in the text', () => {
  /** Backtracking would take longer than the age of the universe. */
  test.each(['^(a+)+$', '^(a|aa)+$', '(x+x+)+y', '^(([a-z])+.)+[A-Z]([a-z])+$', '(.*)*$!'])(
    '%s',
    (source) => {
      const compiled = compilePattern(source);
      if (!compiled.ok) throw new Error(compiled.reason);
      expect(compiled.pattern.test(`${'a'.repeat(50_000)}!`)).toBe(false);
    },
  );

  test('a pattern with very many states forgets those behind it', () => {
    const compiled = compilePattern('(a|b)*a(a|b){18}c');
    if (!compiled.ok) throw new Error(compiled.reason);
    let seed = 1;
    const text = Array.from({ length: 60_000 }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 2 === 0 ? 'a' : 'b';
    }).join('');
    expect(compiled.pattern.test(text)).toBe(false);
    expect(compiled.pattern.test(`${text}a${'b'.repeat(18)}c`)).toBe(true);
  });
});
