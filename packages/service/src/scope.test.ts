import { expect, test } from 'vitest';
import { Scope } from './index.js';

test('resources close in reverse order, each in its own way, one after the other', async () => {
  const closed: string[] = [];
  const scope = new Scope();
  scope.use({ close: () => closed.push('first') });
  scope.use({
    stop: async () => {
      await Promise.resolve();
      closed.push('second');
    },
  });
  expect(scope.use('third', (resource) => closed.push(resource))).toBe('third');
  await Promise.all([scope.close(), scope.close()]);
  expect(closed).toEqual(['third', 'second', 'first']);
});

test('what cannot be closed does not keep the rest open', async () => {
  const closed: string[] = [];
  const scope = new Scope();
  scope.use({ close: () => closed.push('first') });
  scope.use({ close: () => Promise.reject(new Error('stuck')) });
  await expect(scope.close()).rejects.toThrow(AggregateError);
  expect(closed).toEqual(['first']);
});
