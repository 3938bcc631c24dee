import { describe, expect, test } from 'vitest';
import { readSource } from './read-source.js';
import { textOffsetOf } from './scalar-position.js';
import { childOf } from './source-node.js';

/** For each character of `a`'s value the character of the text that it is said to come from. */
const sourceCharacters = (yaml: string): { value: string; found: string } => {
  const { text, root } = readSource(yaml, 'the text');
  const node = childOf(root, 'a');
  if (node?.kind !== 'scalar' || typeof node.value !== 'string') throw new Error('a is a text');
  const found = [...node.value].map((_, index) => text[textOffsetOf(text, node, index)] ?? '').join('');
  return { value: node.value, found };
};

describe('a place in a value is found in the text, whatever the style', () => {
  test.each([
    ['plain', 'a: one two\n'],
    ['double quotes', 'a: "one two"\n'],
    ['single quotes', "a: 'one two'\n"],
    ['literal', 'a: |\n  one\n  two\nb: 1\n'],
    ['literal with blank lines and deeper lines', 'a: |\n\n  one\n\n    two\n  three\n'],
    ['literal that is stripped', 'x: 1\na: |-\n  one\n  two\n'],
    ['literal with a given indent', 'a: |2\n    one\n  two\n'],
    ['literal with carriage returns', 'a: |\r\n  one\r\n  two\r\n'],
  ])('%s', (_, yaml) => {
    const { value, found } = sourceCharacters(yaml);
    expect(found.replaceAll('\r', '\n').slice(0, value.trimEnd().length)).toBe(value.trimEnd());
  });

  test.each([
    ['plain over lines', 'a: one\n   two\n\n   three\n'],
    ['double quotes over lines', 'a: "one\n   two\n\n   three"\n'],
    ['single quotes over lines', "a: 'one\n   two'\n"],
    ['folded', 'a: >\n  one\n  two\n\n  three\n'],
    ['folded, stripped, with deeper lines', 'a: >-\n  one\n    two\n  three\n'],
  ])('words of %s', (_, yaml) => {
    const { value, found } = sourceCharacters(yaml);
    for (const word of value.match(/\w+/g) ?? []) {
      const at = value.indexOf(word);
      expect(found.slice(at, at + word.length)).toBe(word);
    }
  });

  test('escapes stand where their backslash is', () => {
    expect(sourceCharacters('a: "x\\n\\u0041\\x42\\"y\\\n   z"\n')).toEqual({
      value: 'x\nAB"yz',
      found: 'x\\\\\\\\yz',
    });
    expect(sourceCharacters("a: 'it''s'\n")).toEqual({ value: "it's", found: "it's" });
  });

  test('a character beyond the basic plane counts as two', () => {
    const { text, root } = readSource('a: "😀 {{ b }}"\n', 'the text');
    const node = childOf(root, 'a');
    if (node?.kind !== 'scalar') throw new Error('a is a text');
    expect(text.slice(textOffsetOf(text, node, 6)).startsWith('b }}')).toBe(true);
  });
});
