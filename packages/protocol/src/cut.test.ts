import { expect, test } from 'vitest';
import { shortened } from './cut.js';
import { reportedError } from './shapes.js';

test('a text within its length stays as it is, and a longer one says that it was cut', () => {
  expect(shortened('abc', 3)).toBe('abc');
  expect(shortened('abcd', 3)).toBe('ab…');
});

test('a character that takes two places is never cut in half', () => {
  for (const length of [3, 4, 5, 6]) {
    const cut = shortened('😀😀😀😀', length);
    expect(cut.length).toBeLessThanOrEqual(length);
    expect(cut).toBe(Buffer.from(cut, 'utf8').toString('utf8'));
  }
});

test('what a worker says of its failure is cut so, too', () => {
  const { message } = reportedError.parse({
    code: 'AGENT_ERROR',
    message: `x${'😀'.repeat(4_000)}`,
    retryable: false,
  });
  expect(message.length).toBeLessThanOrEqual(8_000);
  expect(message).toBe(Buffer.from(message, 'utf8').toString('utf8'));
});
