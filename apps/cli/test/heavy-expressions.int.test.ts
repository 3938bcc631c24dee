/** Expressions do not run on everybody's time, and a run has an end: through the real processes. */
import { eventually, startWorld, type World } from '@signalbox/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

let world: World;

beforeEach(async () => {
  world = await startWorld(['orchestrator', 'step-worker', 'api'], { env: { SIGNALBOX_LOG_LEVEL: 'debug' } });
});
afterEach(() => world.stop());

const put = (id: string, states: string) =>
  world.call('PUT', `/api/v1/workflows/${id}`, { source: `id: ${id}\nstates:\n${states}\n` });

interface RunAnswer {
  readonly runId: string;
  readonly status: string;
  readonly endedAt?: string | null;
  readonly output?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

const start = async (workflow: string, input: object = {}): Promise<string> =>
  (await world.call<RunAnswer>('POST', '/api/v1/workflow-runs', { workflow, input })).runId;

const ended = (runId: string): Promise<RunAnswer> =>
  eventually(
    async () => {
      const run = await world.call<RunAnswer>('GET', `/api/v1/workflow-runs/${runId}`);
      return run.endedAt === undefined || run.endedAt === null ? undefined : run;
    },
    { timeoutMs: 120_000 },
  );

test('a foreach with a heavy expression for each item is evaluated by workers, and others have their turn', async () => {
  await put(
    'heavy',
    `  - name: each
    type: foreach
    itemsPath: items
    itemName: item
    maxConcurrency: 60
    resultPath: all
    iterator:
      states:
        - { name: work, type: transform, expression: "sum(range(100000 + item)) > 0", resultPath: done, end: true }
    end: true`,
  );
  await put(
    'small',
    '  - { name: only, type: transform, expression: "n + 1", resultPath: result, end: true }',
  );
  const heavy = await start('heavy', { items: Array.from({ length: 60 }, (_, index) => index) });
  const small: RunAnswer[] = [];
  for (let count = 0; count < 20; count++) small.push(await ended(await start('small', { n: count })));
  const run = await ended(heavy);
  expect(run).toMatchObject({ status: 'COMPLETED' });
  expect((run.output as { all: object[] }).all).toEqual(Array.from({ length: 60 }, () => ({ done: true })));
  for (const one of small) {
    expect(one.status).toBe('COMPLETED');
    expect(Date.parse(one.endedAt ?? '')).toBeLessThan(Date.parse(run.endedAt ?? ''));
  }
  expect(world.logsOf('orchestrator')).toContain('event loop delay');
}, 180_000);

test('a loop that never ends fails, and says which limit it met', async () => {
  await put(
    'loop',
    `  - { name: round, type: inject, data: { n: 1 }, resultPath: counter, next: again }
  - { name: again, type: switch, conditions: [{ if: "counter.n < 2", next: round }], defaultNext: round }`,
  );
  const run = await ended(await start('loop'));
  expect(run).toMatchObject({ status: 'FAILED', error: { code: 'LIMIT_EXCEEDED' } });
  expect(run.error?.message).toMatch(/"round" was visited 1000 times.*maxStateVisits/);
}, 120_000);
