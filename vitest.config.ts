import { defineConfig } from 'vitest/config';

const slow = ['**/*.int.test.ts', '**/*.e2e.test.ts'];
const never = ['**/node_modules/**', '**/dist/**'];
/** Of tests that start the whole platform, whatever the machine: more of them side by side would wait for one another. */
const maxPlatforms = 2;
const platform = 'apps/cli/{src,test}/**/*.{int,e2e}.test.ts';
const patient = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    reporters: ['default', './scripts/test-count.mjs'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{packages,apps}/*/{src,test}/**/*.test.ts', '{bench,chaos}/{src,test}/**/*.test.ts'],
          exclude: [...never, ...slow],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['{packages,apps}/*/{src,test}/**/*.{int,e2e}.test.ts'],
          exclude: [...never, platform],
          ...patient,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'platform',
          include: [platform],
          exclude: never,
          ...patient,
          maxWorkers: maxPlatforms,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          // The trials of one file run side by side already.
          name: 'trials',
          include: ['chaos/test/**/*.int.test.ts'],
          exclude: never,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
