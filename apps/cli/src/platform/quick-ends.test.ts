import { expect, test } from 'vitest';
import { noQuickEnds } from './quick-ends.js';

test('what ends at once is started again later and later, and not for ever', () => {
  const ends = noQuickEnds(() => 0);
  const delays = Array.from({ length: 5 }, () => {
    ends.begin();
    return ends.count();
  });
  expect(delays).toEqual([100, 400, 1_600, 6_400, undefined]);
});

test('what has run for a while is started again at once, and counted anew', () => {
  let now = 0;
  const ends = noQuickEnds(() => now);
  for (let round = 0; round < 20; round += 1) {
    ends.begin();
    now += 60_000;
    expect(ends.count()).toBe(0);
  }
});
