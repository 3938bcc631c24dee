import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from './json.js';
import { sizeProblem } from './json-size.js';

const encoded = (value: Json): number => new TextEncoder().encode(JSON.stringify(value)).length;

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '\n', '\u0000', '\u001f', 'ß', '€', '😀', '\ud83d', '\udc00', 'a'),
  }),
);
const values = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    texts,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom<Json>(null, true, false, -0, 1e21, 1e-7),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(texts, tie('value'), { maxKeys: 5 }) as fc.Arbitrary<Json>,
  ),
})).value;

test('a value of exactly the limit is no problem, one byte more is, with its exact size', () => {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encoded(value);
      fc.pre(bytes > 1);
      expect(sizeProblem(value, bytes)).toBeUndefined();
      expect(sizeProblem(value, bytes - 1)).toBe(`has ${bytes} bytes of JSON, the limit is ${bytes - 1}`);
    }),
    { numRuns: 2_000 },
  );
});

test('of a value far over the limit it is only said that it is', () => {
  for (const value of ['x'.repeat(10_000), Array.from({ length: 10_000 }, () => 'x')])
    expect(sizeProblem(value, 1_000)).toBe('has more than 4000 bytes of JSON, the limit is 1000');
});

test('a value may nest 200 deep and no deeper', () => {
  const nested = (depth: number): Json => {
    let value: Json = 1;
    for (let count = 0; count < depth; count += 1) value = count % 2 === 0 ? [value] : { a: value };
    return value;
  };
  expect(sizeProblem(nested(200), 100_000)).toBeUndefined();
  expect(sizeProblem(nested(201), 100_000)).toBe('is nested more than 200 deep');
  expect(sizeProblem(nested(200_000), 10_000_000)).toBe('is nested more than 200 deep');
});
