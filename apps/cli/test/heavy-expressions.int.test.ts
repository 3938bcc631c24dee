/** Expressions do not run on everybody's time, and a run has an end: through the real processes. */
import { eventually, lastQueued, readLog, startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scriptedAgent } from './support/definitions.js';

let world: World;

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'step-worker', 'api'], { env: { SIGNALBOX_LOG_LEVEL: 'debug' } });
  await world.call('PUT', '/api/v1/agents/tester', scriptedAgent(0));
});
afterAll(() => world?.stop());

const put = (id: string, states: string) =>
  world.call('PUT', `/api/v1/workflows/${id}`, { source: `id: ${id}\nstates:\n${states}\n` });

interface RunAnswer {
  readonly runId: string;
  readonly status: string;
  readonly endedAt?: string | null;
  readonly output?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${world.apiUrl}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`signalbox_orchestrator_${name} `));
  return Number((line ?? ' NaN').split(' ')[1]);
};

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

/** Each item takes a worker's thread about a tenth of a second. */
const heavy = (id: string, count: number) =>
  put(
    id,
    `  - name: each
    type: foreach
    itemsPath: items
    itemName: item
    maxConcurrency: ${count}
    resultPath: all
    iterator:
      states:
        - { name: work, type: transform, expression: "sum(range(100000 + item % 7)) > 0", resultPath: done, end: true }
    end: true`,
  );
const items = (count: number) => ({ items: Array.from({ length: count }, (_, index) => index) });

test('a foreach with a heavy expression for each item is evaluated by workers', async () => {
  await heavy('heavy', 12);
  const run = await ended(await start('heavy', items(12)));
  expect(run).toMatchObject({ status: 'COMPLETED' });
  expect((run.output as { all: object[] }).all).toEqual(Array.from({ length: 12 }, () => ({ done: true })));
}, 180_000);

test('while a thousand heavy evaluations of one run wait, steps and expressions of others are done at once', async () => {
  const count = 1_000;
  await heavy('thousand', count);
  await put(
    'small',
    `  - { name: plus, type: transform, expression: "n + 1", resultPath: sum, next: say }
  - { name: say, type: operation, action: agent.run, input: { agent: tester, task: hello }, end: true }`,
  );
  const attacker = await start('thousand', items(count));
  const evaluations = async (type: string) =>
    ((await readLog(world.natsUrl)).get(attacker) ?? []).filter(({ data }) => data.type === type).length;
  await eventually(async () => (await evaluations('step.scheduled')) === count, { timeoutMs: 60_000 });
  for (let n = 0; n < 20; n++)
    expect(await ended(await start('small', { n }))).toMatchObject({ status: 'COMPLETED' });
  expect(await evaluations('step.succeeded')).toBeLessThan(count - 100);
  await world.call('POST', `/api/v1/workflow-runs/${attacker}/cancel`, {});
  expect(await ended(attacker)).toMatchObject({ status: 'CANCELLED' });
  await eventually(async () => (await lastQueued(world.natsUrl)) === undefined);
}, 180_000);

test('how long the orchestrator kept others waiting is a metric of the api', async () => {
  await eventually(async () => (await metric('turns')) > 0, {
    timeoutMs: 30_000,
    describe: 'figures are heard',
  });
  expect(await metric('figures_age_seconds')).toBeLessThan(60);
  expect(await metric('event_loop_delay_seconds{quantile="0.999"}')).toBeGreaterThanOrEqual(0);
  // In processor time, so that a busy machine says nothing. Of seconds is what it was with a thousand items in one turn.
  expect(await metric('longest_turn_seconds{time="processor"}')).toBeLessThan(1);
  expect(await metric('waiting{for="turn"}')).toBeLessThan(500);
}, 60_000);

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
