import { expect, test } from 'vitest';
import { eventually } from './index.js';

test('eventually returns what the condition gives at last', async () => {
  const answers = [undefined, null, false, 0];
  expect(await eventually(() => answers.shift(), { intervalMs: 1 })).toBe(0);
});

test('eventually says what it has waited for', async () => {
  const waiting = eventually(() => false, { timeoutMs: 5, intervalMs: 1, describe: () => 'the moon' });
  await expect(waiting).rejects.toThrow('not within 5 ms: the moon');
});
