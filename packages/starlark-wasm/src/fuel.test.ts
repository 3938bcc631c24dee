/** Fuel is work, not time: what an expression spends does not depend on the machine or on what was evaluated before. */
import { describe, expect, test } from 'vitest';
import { createStarlark, expressionLimits, type Starlark } from './index.js';

const spent = (starlark: Starlark, source: string): number =>
  starlark.evaluateWithin('expression', source, {}, expressionLimits.maxFuel).fuel;

const evaluate = (starlark: Starlark, source: string) => {
  const compiled = starlark.compile(source, undefined);
  if (!compiled.ok) throw new Error('does not compile');
  return starlark.evaluate(compiled.program, {});
};

const sources = ['sum(range(20000))', 'sorted([i % 7 for i in range(3000)])[5]', '("ab" * 5000).count("b")'];

test.each(sources)('%s spends the same in every new evaluator', (source) => {
  const first = spent(createStarlark(), source);
  expect(first).toBeGreaterThan(0);
  expect(spent(createStarlark(), source)).toBe(first);
});

test.each(sources)('%s spends the same after an evaluation that was cut off', (source) => {
  const starlark = createStarlark();
  expect(starlark.evaluateWithin('expression', 'sum(range(10000000))', {}, 100_000).isOver).toBe(true);
  expect(spent(starlark, source)).toBe(spent(createStarlark(), source));
});

/** The longest range whose sum fits: one more does not. From 2^31 on a sum costs more for each number. */
const longest = (): number => {
  const doesFit = (count: number): boolean => evaluate(createStarlark(), `sum(range(${count}))`).ok;
  const [short, long] = [100_000, 150_000].map((count) => spent(createStarlark(), `sum(range(${count}))`));
  const each = ((long ?? 0) - (short ?? 0)) / 50_000;
  // Only a beginning: whatever the guess is worth, the edge is found.
  let fits = 150_000 + Math.floor((expressionLimits.maxFuel - (long ?? 0)) / each);
  let fails = fits + 8;
  for (let step = 8; !doesFit(fits); step *= 2) [fits, fails] = [fits - step, fits];
  for (let step = 8; doesFit(fails); step *= 2) [fits, fails] = [fails, fails + step];
  while (fails - fits > 1) {
    const middle = Math.floor((fits + fails) / 2);
    if (doesFit(middle)) fits = middle;
    else fails = middle;
  }
  return fits;
};

describe('at the very limit', () => {
  const edge = longest();

  test('the same expression fails always or never, whatever was evaluated before', () => {
    const used = createStarlark();
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 400; index++) evaluate(used, `[${round}, ${index}] * 50`);
      expect(evaluate(used, `sum(range(${edge}))`).ok).toBe(true);
      expect(evaluate(used, `sum(range(${edge + 1}))`)).toMatchObject({ code: 'EXPRESSION_LIMIT' });
    }
  });
});

test('less fuel than is needed is said, and the next evaluation works', () => {
  const starlark = createStarlark();
  for (const source of [
    '"a" * 30000000',
    '[0] * 100000000',
    'max(range(100000000))',
    'int("9" * 100000) * 2',
  ]) {
    expect(starlark.evaluateWithin('expression', source, {}, 50_000)).toMatchObject({ isOver: true });
    expect(starlark.evaluateWithin('expression', 'n + 1', { n: 1 }, 200_000)).toMatchObject({
      isOver: false,
      result: { ok: true, value: 2 },
    });
  }
});
