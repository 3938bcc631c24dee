/** A start while the orchestrator is away: it is queued, and whoever asked is told which run it will be. */
import { eventually } from '@signalbox/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cliScript, openStores, type Stores } from './support/stores.js';
import { type Ended, signalbox } from './support/tables-command.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores?.world.stop());

const queued = 'is queued and not confirmed yet: is the orchestrator at work?';

test('a start that is not confirmed is told with the id of its run, is followed when it begins, and is not made twice', async () => {
  const { world } = stores;
  await world.kill('orchestrator');
  const watching = world.spawn(cliScript, 'watching', {}, ['--api', world.apiUrl, 'run', 'held', '--watch']);
  const keyed = ['run', 'held', '--idempotency-key', 'once'];
  const [plain, once, again] = (await Promise.all([
    signalbox(world, 'run', 'held'),
    signalbox(world, ...keyed),
    signalbox(world, '--json', ...keyed),
  ])) as [Ended, Ended, Ended];
  const plainId = plain.stdout.trim();
  expect(plain).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[\w-]+\n$/) });
  expect(plain.stderr).toBe(
    `signalbox: the command to start run ${plainId} ${queued} (do not start it again, that would be a second run)\n`,
  );
  const onceId = once.stdout.trim();
  expect(once.code).toBe(0);
  expect(once.stderr).toContain(`${queued} (the same --idempotency-key gives the same run)`);
  expect(again.code).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ code: 'NOT_CONFIRMED_YET', runId: onceId });

  await eventually(() => watching.lines.some((line) => line.includes(queued)), { timeoutMs: 60_000 });
  const watchedId = /to start run (\S+) is queued/.exec(watching.lines.join('\n'))?.[1] ?? '';
  await world.start('orchestrator');
  const runIds = [plainId, onceId, watchedId];
  await stores.allBecome(runIds, 'WAITING_SIGNAL');
  await stores.finish(runIds);
  expect(await watching.exited).toMatchObject({ code: 0 });
  expect(watching.lines.join('\n')).toContain('run.completed');
  const { items } = await world.call<{ items: unknown[] }>('GET', '/api/v1/workflow-runs');
  expect(items).toHaveLength(runIds.length);
});
