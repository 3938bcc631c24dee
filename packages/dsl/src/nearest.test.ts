// cspell:ignore inptu retrys tmout
import { expect, test } from 'vitest';
import { didYouMean, nearestName } from './nearest.js';

const fields = ['action', 'input', 'timeoutSeconds', 'resultPath', 'next', 'end', 'retry', 'maxConcurrency'];

test.each([
  ['timeout', 'timeoutSeconds'],
  ['timeout_seconds', 'timeoutSeconds'],
  ['Action', 'action'],
  ['inptu', 'input'],
  ['nxt', 'next'],
  ['max_concurrency', 'maxConcurrency'],
  ['retrys', 'retry'],
  ['tmout', 'timeoutSeconds'],
])('%s is near %s', (name, expected) => {
  expect(nearestName(name, fields)).toBe(expected);
});

test.each(['foo', 'x', '', 'a'.repeat(10_000)])('nothing is near %s', (name) => {
  expect(didYouMean(name, fields)).toBeUndefined();
});
