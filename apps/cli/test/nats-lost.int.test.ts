/** The store of NATS is lost, or older than it was. One platform for all of it; each test leaves it at work. */
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { openConnection, provision, readStreamFacts } from '@signalbox/messaging';
import { EVENTS, streamDeclarations, TASKS } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually, natsLabel, query, readLog, repeatRun } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scriptedAgent } from './support/definitions.js';
import { openStores, type Stores } from './support/stores.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores?.world.stop());

const isRestored = 'published what the log lacked';
const isLost = 'the event stream was made anew or has lost its end';

const linesWith = (text: string, label = 'orchestrator'): number =>
  stores.world
    .logsOf(label)
    .split('\n')
    .filter((line) => line.includes(text)).length;

const newestMark = (): string | undefined =>
  query<{ stream: string }>(
    stores.file(),
    'SELECT stream_id AS stream FROM log_marks ORDER BY id DESC LIMIT 1',
  )[0]?.stream;

const untilMarked = (): Promise<unknown> => {
  const lastPosition = 'SELECT max(position) AS at FROM workflow_run_events';
  const markedPosition = 'SELECT events_position AS at FROM log_marks ORDER BY id DESC LIMIT 1';
  const positionOf = (sql: string) => query<{ at: number }>(stores.file(), sql)[0]?.at;
  return eventually(() => positionOf(markedPosition) === positionOf(lastPosition), {
    timeoutMs: 20_000,
    describe: 'a mark behind the last event',
  });
};

const bus = async <T>(
  ask: (connection: Awaited<ReturnType<typeof openConnection>>) => Promise<T>,
): Promise<T> => {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const connection = await openConnection({ url: stores.world.natsUrl, name: 'test', logger });
  try {
    return await ask(connection);
  } finally {
    await connection.close();
  }
};

/** The whole log, each event once, sorted. */
const wholeLog = async (): Promise<string[]> => {
  const log = await readLog(stores.world.natsUrl);
  const texts = [...log.values()]
    .flat()
    // When it was stored is the server's matter.
    .map(({ storedAt: _, ...event }) => `${event.id} ${JSON.stringify(event)}`);
  return [...new Set(texts)];
};

/** Ids of what one has and the other has not, or has otherwise. */
const lackedBy = (after: readonly string[], before: readonly string[]): string[] => {
  const found = new Set(after);
  return before.filter((text) => !found.has(text)).map((text) => text.slice(0, text.indexOf(' ')));
};

const untilRestored = (count: number): Promise<unknown> =>
  eventually(() => linesWith(isRestored) > count, {
    timeoutMs: 30_000,
    describe: () => stores.world.logsOf('orchestrator').slice(-2_000),
  });

describe('NATS was killed, and has all that it had', () => {
  test('again and again: nobody takes its streams for others, and no read model is built again', async () => {
    const { world } = stores;
    const standing = await stores.standing(3);
    await untilMarked();
    const mark = newestMark();
    for (let time = 0; time < 3; time += 1) {
      await Promise.all([world.kill('orchestrator'), world.killNats()]);
      await world.restartNats();
      await world.start('orchestrator');
      await stores.isReady();
    }
    await stores.finish(standing);
    await untilMarked();
    expect(newestMark()).toBe(mark);
    expect(linesWith(isLost)).toBe(0);
    expect(linesWith('the task stream was made anew')).toBe(0);
    expect(linesWith('the event stream is another one', 'api')).toBe(0);
  });
});

describe('NATS is lost', () => {
  test('a wiped store gets the whole log again, once, and what was waiting goes on', async () => {
    const { world } = stores;
    const standing = await stores.standing(10);
    await world.stopOne('step-worker');
    const queued = await stores.startRuns(5);
    const before = await wholeLog();
    const mark = newestMark();
    await world.killNats();
    await world.wipeNats();
    await world.restartNats();
    await untilRestored(0);
    await stores.isReady();
    await stores.allBecome(standing, 'WAITING_SIGNAL');
    expect(lackedBy(await wholeLog(), before)).toEqual([]);
    await world.start('step-worker');
    await stores.allBecome(queued, 'WAITING_SIGNAL');
    await stores.finish([...standing, ...queued]);
    // A look that finds only marks of the lost stream would publish everything again.
    await eventually(() => newestMark() !== mark, { timeoutMs: 20_000 });
    expect(linesWith(isLost)).toBe(1);
  });

  test('a store that came back from something older gets what it lacks, and keeps what it has', async () => {
    const old = await stores.standing(3);
    await untilMarked();
    await stores.keepNats('nats-kept');
    await stores.isReady();
    const young = await stores.standing(3);
    await stores.finish(old);
    const before = await wholeLog();
    const count = linesWith(isRestored);
    await stores.bringNatsBack('nats-kept');
    await untilRestored(count);
    expect(lackedBy(await wholeLog(), before)).toEqual([]);
    await stores.isReady();
    await stores.finish(young);
    expect(await stores.statusesOf([...old, ...young])).toEqual([...old, ...young].map(() => 'COMPLETED'));
  });

  test('a stream that was made anew by somebody while the orchestrator stood still is filled', async () => {
    const { world } = stores;
    const standing = await stores.standing(2);
    const before = await wholeLog();
    const count = linesWith(isRestored);
    world.freeze('orchestrator');
    await world.killNats();
    await world.wipeNats();
    await world.restartNats();
    await bus((connection) => provision(connection, { streams: streamDeclarations(), consumers: [] }));
    world.resume('orchestrator');
    await untilRestored(count);
    expect(lackedBy(await wholeLog(), before)).toEqual([]);
    await stores.isReady();
    await stores.finish(standing);
  });

  test('a damaged file of the log is said, with what to do, and then the log gets again what it held', async () => {
    const { world } = stores;
    const [runId = ''] = await stores.standing(1);
    await stores.finish([runId]);
    await stores.finish(await stores.standing(3));
    const before = await wholeLog();
    await world.killNats();
    const file = stores.file('nats/jetstream/signalbox/streams/WORKFLOW_EVENTS/msgs/1.blk');
    const bytes = await readFile(file);
    const place = bytes.indexOf(`"id":"default/${runId}/3"`);
    expect(place).toBeGreaterThan(0);
    await writeFile(file, bytes.fill('#', place, place + 20));
    await world.restartNats();
    // The server takes what is published again, and cannot give that back either.
    const said = async () => (await fetch(`${world.apiUrl}/readyz`)).text();
    await eventually(
      async () => (await said()).includes('does not give back what it has stored of the log: restart it'),
      {
        timeoutMs: 60_000,
        intervalMs: 200,
        describe: () => world.logsOf('orchestrator').slice(-2_000),
      },
    );
    await world.killNats();
    await world.wipeNats();
    await world.restartNats();
    await eventually(async () => lackedBy(await wholeLog(), before).length === 0, {
      timeoutMs: 60_000,
      intervalMs: 200,
      describe: () => world.logsOf('orchestrator').slice(-2_000),
    });
    await stores.isReady();
    await stores.finish(await stores.standing(2));
  });

  // What has gone through the queue decides how many numbers are given that nobody reads: many, or a few that are soon passed.
  test.each([90, 3])(
    'a file of the queue, cut short behind %i messages, loses nothing accepted',
    async (count) => {
      const { world } = stores;
      await world.stopOne('step-worker');
      // While it lies there the file keeps what has gone.
      const [first = ''] = await stores.startRuns(1);
      for (let done = 0; done < count; done += 1)
        await world.call('PUT', '/api/v1/agents/tester', scriptedAgent(5));
      const queued = await stores.startRuns(5);
      const firstSequence = () =>
        bus(async (connection) => (await readStreamFacts(connection, TASKS)).firstSequence);
      const before = await firstSequence();
      await world.call('POST', `/api/v1/workflow-runs/${first}/cancel`, {});
      await eventually(async () => (await firstSequence()) > before, { describe: 'it is withdrawn' });
      // In order, so that it trusts its index of a file that is shorter then (`server-facts.int.test.ts`).
      await world.nats.kill(natsLabel, 'SIGTERM');
      const file = stores.file('nats/jetstream/signalbox/streams/WORKFLOW_TASKS/msgs/1.blk');
      await truncate(file, Math.floor((await stat(file)).size / 3));
      await world.restartNats();
      // Refused while nothing is there; a start that is not confirmed in time has no id here.
      const start = async () => {
        const runIds = await stores.startRuns(5).catch(() => [undefined]);
        return runIds.every((runId) => runId !== undefined) ? runIds : undefined;
      };
      const accepted = await eventually(start, { timeoutMs: 60_000, describe: 'starts are accepted' });
      await world.start('step-worker');
      await stores.allBecome([...queued, ...accepted], 'WAITING_SIGNAL');
      await stores.isReady();
      await stores.finish([...queued, ...accepted]);
      if (count > 3) expect(linesWith('does not give back what it stores of the task queue')).toBe(1);
    },
  );

  test('a store that was wiped while nobody ran is filled at the start, also when the first start dies in the middle', async () => {
    const { world } = stores;
    const standing = await stores.standing(3);
    const [runId = ''] = await stores.standing(1);
    await stores.finish([runId]);
    await world.kill('orchestrator');
    await world.stopOne('api');
    const eventCount = repeatRun(stores.file(), runId, 2_000);
    await world.killNats();
    await world.wipeNats();
    await world.restartNats();
    const lastSequence = () =>
      bus((connection) => readStreamFacts(connection, EVENTS)).then(
        (facts) => facts.lastSequence,
        () => 0,
      );
    void world.start('orchestrator').catch(() => undefined);
    await eventually(async () => (await lastSequence()) > 500, { timeoutMs: 30_000, intervalMs: 5 });
    await world.kill('orchestrator');
    expect(await lastSequence()).toBeLessThan(eventCount);
    await world.start('orchestrator');
    await eventually(
      async () => {
        const log = await readLog(world.natsUrl);
        return [...log.values()].reduce((sum, events) => sum + events.length, 0) >= eventCount;
      },
      { timeoutMs: 60_000, intervalMs: 200, describe: 'the whole log' },
    );
    await world.start('api');
    await stores.isReady();
    await stores.finish(standing);
  });
});
