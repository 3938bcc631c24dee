import { expect, test } from 'vitest';
import { createSeldom } from './seldom.js';

test('the same is said once in half a minute, with how often it was left out, and others beside it', () => {
  let at = 0;
  const seldom = createSeldom(() => at);
  const said: [number, string, number][] = [];
  for (; at < 61_000; at += 100)
    for (const what of ['publish wf.a', 'subscription wf.b']) {
      const leftOut = seldom.leftOut(what);
      if (leftOut !== undefined) said.push([at, what, leftOut]);
    }
  expect(said).toEqual([
    [0, 'publish wf.a', 0],
    [0, 'subscription wf.b', 0],
    [30_000, 'publish wf.a', 299],
    [30_000, 'subscription wf.b', 299],
    [60_000, 'publish wf.a', 299],
    [60_000, 'subscription wf.b', 299],
  ]);
});

test('what differs each time does not fill the memory', () => {
  const seldom = createSeldom(() => 0);
  for (let count = 0; count < 10_000; count += 1) expect(seldom.leftOut(`subject ${count}`)).toBe(0);
  expect(seldom.leftOut('subject 1')).toBe(0);
});
