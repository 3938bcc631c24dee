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

/** The longest range whose sum fits, found once: one more does not. */
const longest = (): number => {
  const fuelOf = (count: number): number => spent(createStarlark(), `sum(range(${count}))`);
  const each = (fuelOf(20_000) - fuelOf(10_000)) / 10_000;
  const about = Math.floor((expressionLimits.maxFuel - fuelOf(10_000)) / each) + 10_000;
  let fits = about - 500;
  let fails = about + 500;
  expect(evaluate(createStarlark(), `sum(range(${fits}))`).ok).toBe(true);
  expect(evaluate(createStarlark(), `sum(range(${fails}))`).ok).toBe(false);
  while (fails - fits > 1) {
    const middle = Math.floor((fits + fails) / 2);
    if (evaluate(createStarlark(), `sum(range(${middle}))`).ok) fits = middle;
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
