// cspell:ignore Happrove Grüße שלום
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { onOneLine, printable } from './terminal.js';

test.each([
  ['an escape that rewrites the screen', '\u001b[2J\u001b[Happrove?', '\\u001b[2J\\u001b[Happrove?'],
  ['its one-byte form', '\u009b2J', '\\u009b2J'],
  ['a carriage return', 'no\ryes', 'no\\u000dyes'],
  ['a backspace', 'no\b\byes', 'no\\u0008\\u0008yes'],
  ['a bell and a null', '\u0007\u0000', '\\u0007\\u0000'],
  ['a change of direction', 'a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
  ['characters without a width', 'pro\u200bd\ufeff\u2060', 'pro\\u200bd\\ufeff\\u2060'],
  ['tags beyond the first plane', '\u{e0041}', '\\udb40\\udc41'],
  ['half a pair', '\ud800', '\\ud800'],
  ['separators of lines', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
  ['an invisible letter', 'a\u3164', 'a\\u3164'],
])('%s is shown, not done', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('what people write stays as it is', () => {
  const text = 'Grüße, 你好, שלום, 👍️ – “ok”\n\tindented';
  expect(printable(text)).toBe(text);
});

test('JSON means the same after it was made printable', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = printable(JSON.stringify({ text }, null, 2));
      expect(JSON.parse(shown)).toEqual({ text });
    }),
  );
  expect(JSON.parse(printable(JSON.stringify('\u001b\u009b\u202e\ud800')))).toBe('\u001b\u009b\u202e\ud800');
});

test('a cell stays on its line', () => {
  expect(onOneLine('a\nb\tc')).toBe('a\\nb\\tc');
});

test('nothing but the terminal writes to the terminal', () => {
  const source = fileURLToPath(new URL('.', import.meta.url));
  const writers = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) => /process\.std(out|err)|console\./.test(readFileSync(join(source, file), 'utf8')));
  expect(writers).toEqual(['terminal.ts']);
});
