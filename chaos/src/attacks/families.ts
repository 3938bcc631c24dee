/** Runs that start runs: a workflow may run itself, and wait for none of them. */
import { readFamily } from '../database.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { workflow } from '../workflows.js';
import { attack, briefly, endOfRun, put, startAttack } from './attack.js';

const shortRuns = 300;
/** What a platform allows that nobody has set anything on. */
const fullRuns = 10_000;

/** Each run orders ten more; without a limit there would be 10^16. */
const bomb = (maxFamilyRuns: number): string =>
  workflow(
    'bomb',
    [
      { name: 'list', type: 'inject', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], resultPath: 'items' },
      {
        name: 'each',
        type: 'foreach',
        itemsPath: 'items',
        maxConcurrency: 10,
        iterator: {
          start: 'again',
          states: [{ name: 'again', type: 'workflow', workflow: 'bomb', wait: false, input: {}, end: true }],
        },
      },
    ],
    { maxFamilyRuns },
  );

const lightFuse = async (stage: Stage, maxRuns: number): Promise<string | undefined> => {
  // It has to be there before it can name itself.
  const harmless = workflow('bomb', [{ name: 'only', type: 'inject', data: 1, resultPath: 'x' }]);
  if (!(await put(stage, harmless))) return undefined;
  const answer = await stage.client.request('PUT', '/api/v1/workflows/bomb', { body: bomb(maxRuns) });
  stage.findings.expect(answer?.status === 200, 'a workflow may name itself', () => briefly(answer));
  return startAttack(stage, 'bomb');
};

const forkBomb = attack({
  name: 'fork-bomb',
  promise: 'a workflow that runs itself ends with the limit of its family, and others start meanwhile',
  act: async (stage) => {
    const isShort = stage.options.seconds < 10;
    const maxRuns = isShort ? shortRuns : fullRuns;
    const rootRunId = await lightFuse(stage, maxRuns);
    if (rootRunId === undefined) return;
    const startedAt = performance.now();
    await endOfRun(stage, rootRunId);
    const hasEnded = () => {
      const { runCount, openCount } = readFamily(stage.databaseFile, rootRunId);
      return runCount >= maxRuns && openCount === 0;
    };
    // Seldom: while it looks, this process takes the time of those whose starts it measures.
    const isOver = await stage.within(isShort ? 60 : 300, 'a fork bomb ends by itself', hasEnded, 1_000);
    const family = readFamily(stage.databaseFile, rootRunId);
    stage.findings.figure('runs of the bomb', family.runCount);
    stage.findings.figure('the bomb lasted, s', (performance.now() - startedAt) / 1_000);
    stage.findings.expect(
      isOver && family.runCount === maxRuns,
      'a family has exactly as many runs as its limit says',
      `${family.runCount}, ${family.openCount} of them open`,
    );
    stage.findings.expect(
      family.codes.length === 1 && family.codes[0] === 'LIMIT_EXCEEDED',
      'who would start one run too many fails with LIMIT_EXCEEDED',
      family.codes.join(),
    );
  },
});

export const families: readonly Scenario[] = [forkBomb];
