/** A start while the orchestrator is away: it is queued, and whoever asked is told which run it will be, or why there is none. */
import { openConnection, readNext } from '@signalbox/messaging';
import { filters, TASKS } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
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

test('a start that is refused after it was queued is told with its reason, to whoever asks for the run and to whoever watches it', async () => {
  const { world } = stores;
  await world.kill('api');
  await world.start('api', 'api', { SIGNALBOX_API_CONFIRMATION_TIMEOUT_MS: '500' });
  await world.kill('orchestrator');
  const ofNoSuchVersion = ['run', 'held', '--workflow-version', '99', '--watch'];
  const watching = world.spawn(cliScript, 'refused', {}, ['--api', world.apiUrl, ...ofNoSuchVersion]);
  await eventually(() => watching.lines.some((line) => line.includes(queued)));
  const runId = /to start run (\S+) is queued/.exec(watching.lines.join('\n'))?.[1] ?? '';
  await world.start('orchestrator');
  expect(await watching.exited).toMatchObject({ code: 1 });
  const reason = `There is no run "${runId}", its start was refused: there is no workflow "held" in version 99`;
  expect(watching.lines.join('\n')).toContain(reason);
  for (const path of ['', '/events', '/steps', '/approvals', '/stream']) {
    const answer = await fetch(`${world.apiUrl}/api/v1/workflow-runs/${runId}${path}`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: 'RUN_START_REFUSED' });
  }
  const shown = await signalbox(world, 'runs', 'show', runId);
  expect(shown).toMatchObject({ code: 1, stderr: expect.stringContaining(reason) });
});

test('what was put into the catalog, or taken away, while the orchestrator was away counts for the starts behind it', async () => {
  const { world } = stores;
  const inject = (id: string, data: number) =>
    JSON.stringify({
      id,
      version: '1',
      name: id,
      states: [{ name: 'one', type: 'inject', data, resultPath: 'made', end: true }],
    });
  const put = (id: string, data: number) => world.call('PUT', `/api/v1/workflows/${id}`, inject(id, data));
  const start = async (workflow: string) => {
    const body = { workflow, input: {} };
    const queuedStart = await world.call<{ location: string }>('POST', '/api/v1/workflow-runs', body);
    return queuedStart.location.split('/').at(-1) ?? '';
  };
  const ids = ['0', '1', '2'];
  for (const id of ids) {
    await put(`changed-${id}`, 1);
    await put(`removed-${id}`, 1);
  }
  await world.kill('orchestrator');
  const runs: { readonly changed: string; readonly removed: string; readonly added: string }[] = [];
  for (const id of ids) {
    await put(`changed-${id}`, 2);
    await world.call('DELETE', `/api/v1/workflows/removed-${id}`);
    await put(`added-${id}`, 3);
    runs.push({
      changed: await start(`changed-${id}`),
      removed: await start(`removed-${id}`),
      added: await start(`added-${id}`),
    });
  }
  await world.start('orchestrator');
  for (const { changed, removed, added } of runs) {
    await stores.allBecome([changed, added], 'COMPLETED');
    const outputOf = async (runId: string) =>
      (await world.call<{ output: unknown }>('GET', `/api/v1/workflow-runs/${runId}`)).output;
    expect(await outputOf(changed)).toEqual({ made: 2 });
    expect(await outputOf(added)).toEqual({ made: 3 });
    await expect(outputOf(removed)).rejects.toThrow('RUN_START_REFUSED');
  }
});

test('commands that wait for an orchestrator which is away are one message each, however many they are', async () => {
  const { world } = stores;
  await world.kill('orchestrator');
  const ids = Array.from({ length: 12 }, (_, index) => `waiting-${index}`);
  const definition = (id: string) =>
    JSON.stringify({
      id,
      version: '1',
      name: id,
      states: [{ name: 'one', type: 'inject', data: 1, end: true }],
    });
  for (const id of ids) await world.call('PUT', `/api/v1/workflows/${id}`, definition(id));
  const logger = createLogger({ service: 'test', level: 'silent' });
  const connection = await openConnection({ url: world.natsUrl, name: 'test', logger });
  const waiting: string[] = [];
  for (let from = 1; ; ) {
    const message = await readNext(connection, TASKS, filters.allCatalogTasks, from);
    if (message === undefined) break;
    waiting.push(JSON.parse(Buffer.from(message.data).toString()).workflowId);
    from = message.sequence + 1;
  }
  await connection.close();
  expect(waiting).toEqual(ids);
  await world.start('orchestrator');
});
