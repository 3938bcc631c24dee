import { expect, test } from 'vitest';
import { createBudgets, createStarlark, decisionFuel } from './index.js';

const question = (source: string) => ({ kind: 'expression', source }) as const;
const names = (values: Record<string, number>) => (name: string) => values[name];
const small = question('n + 1');
const large = question('len([i for i in range(20000)])');

test('a budget answers what fits, and says of the rest that it comes later', () => {
  const { newBudget } = createBudgets(createStarlark());
  const budget = newBudget();
  expect(budget.attempt(small, names({ n: 1 }))).toEqual({ ok: true, value: 2 });
  let answer = budget.attempt(small, names({ n: 1 }));
  for (let count = 0; answer.ok && count < 1_000; count++) answer = budget.attempt(small, names({ n: 1 }));
  expect(answer).toEqual({ ok: false, code: 'OVER_BUDGET', fits: 'later' });
  expect(newBudget().attempt(small, names({ n: 1 }))).toEqual({ ok: true, value: 2 });
});

test('what does not fit into a whole budget fits into none, and is not tried again at once', () => {
  const starlark = createStarlark();
  let spent = 0;
  const { newBudget } = createBudgets({
    ...starlark,
    evaluateWithin: (...question) => {
      const measured = starlark.evaluateWithin(...question);
      spent += measured.fuel;
      return measured;
    },
  });
  const never = { ok: false, code: 'OVER_BUDGET', fits: 'never' };
  for (let count = 0; count < 20; count++) expect(newBudget().attempt(large, names({}))).toEqual(never);
  expect(spent).toBeLessThan(1.1 * decisionFuel);
});

test('decisions that are made in one go share what they may spend, and the next batch has it anew', () => {
  const { newBudget, beginBatch } = createBudgets(createStarlark());
  const middling = question('len([i for i in range(n)])');
  const answered = (): number => {
    beginBatch();
    let count = 0;
    while (newBudget().attempt(middling, names({ n: 2_000 })).ok && count < 1_000) count += 1;
    return count;
  };
  const first = answered();
  expect(first).toBeGreaterThan(2);
  expect(first).toBeLessThan(100);
  expect(Math.abs(answered() - first)).toBeLessThan(2);
});

test('large data is paid for, whatever is done with it', () => {
  const budget = createBudgets(createStarlark()).newBudget();
  const text = 'x'.repeat(decisionFuel / 2);
  expect(budget.attempt(question('len(text)'), () => text)).toMatchObject({ code: 'OVER_BUDGET' });
});

test('a text that takes too much to compile is read for what looks like a name', () => {
  const starlark = createStarlark();
  const long = question(`[${Array.from({ length: 5_000 }, (_, index) => `first + ${index}`).join(',')}]`);
  const { newBudget } = createBudgets(starlark);
  const budget = newBudget();
  expect(budget.attempt(long, names({ first: 1 }))).toMatchObject({ code: 'OVER_BUDGET' });
  expect(budget.namesOf(long)).toEqual([{ name: 'first', reads: true }]);
  expect(newBudget().namesOf(question('ctx.a + ctx["b"].c'))).toEqual([
    { name: 'ctx', reads: { a: true, b: { c: true } } },
  ]);
});
