/** Either store lost, or older than the other. */
import { cp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EVENTS, TASKS } from '@signalbox/protocol';
import { copyDatabase, dropDatabase, natsLabel, tablesOf } from '@signalbox/testing';
import { settleAndAudit } from '../audit.js';
import { runs } from '../client.js';
import { lostBetween } from '../database.js';
import { startLoad, startPeople } from '../load.js';
import { endOf, runCli } from '../programs.js';
import { type Scenario, scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { noteStandstill } from '../standstill.js';

const stop = async (stage: Stage, ...labels: readonly string[]): Promise<void> => {
  for (const label of labels) await stage.world.stopOne(label);
};

const refused = 78;

const wiped = (name: string, promise: string, alsoDown: readonly string[]): Scenario =>
  scenario({
    name,
    promise,
    seconds: 60,
    shortSeconds: 6,
    act: async (stage) => {
      const { client, faults, options, seeded } = stage;
      const people = startPeople(client, seeded);
      const mix = ['linear', 'slow', 'approval', 'signal', 'foreach'] as const;
      const load = startLoad(stage, { perSecond: 10, seconds: options.seconds, mix: [...mix] });
      const wipes = options.seconds < 10 ? 1 : 3;
      for (let count = 0; count < wipes; count += 1) {
        await delay((options.seconds * 1_000) / (wipes + 1));
        await faults.wipe({ alsoDown });
        await stage.within(30, 'the api is ready again within 30 s of the loss', async () => {
          return (await client.request('GET', '/readyz'))?.status === 200;
        });
        await stage.within(30, 'workflows are there again within 30 s of the loss', async () => {
          return (await client.request('GET', '/api/v1/workflows/linear'))?.status === 200;
        });
      }
      await load.done;
      const log = await settleAndAudit(stage);
      await people.stop();
      noteStandstill(stage, log);
    },
  });

const isReady = async ({ client }: Stage): Promise<boolean> =>
  (await client.request('GET', '/readyz'))?.status === 200;

interface StoreChange {
  /** A third of the load before. */
  readonly before: () => Promise<void>;
  /** The last before nats-server is killed. */
  readonly last?: () => Promise<void>;
  readonly instead: () => Promise<void>;
  readonly after?: () => Promise<void>;
}

/** Something happens to the store of NATS in the middle of a load, while every other process runs on. */
const storeChanged = (name: string, promise: string, change: (stage: Stage) => StoreChange): Scenario =>
  scenario({
    name,
    promise,
    seconds: 30,
    shortSeconds: 6,
    act: async (stage) => {
      const { client, faults, options, seeded } = stage;
      const people = startPeople(client, seeded);
      const mix = ['linear', 'slow', 'approval', 'signal', 'foreach'] as const;
      const load = startLoad(stage, { perSecond: 10, seconds: options.seconds, mix: [...mix] });
      const { before, last, instead, after } = change(stage);
      await delay((options.seconds * 1_000) / 3);
      await before();
      await delay((options.seconds * 1_000) / 3);
      await last?.();
      await faults.wipe({ instead });
      await after?.();
      await stage.within(30, 'the api is ready again within 30 s of the loss', () => isReady(stage));
      await load.done;
      await settleAndAudit(stage);
      await people.stop();
    },
  });

const rolledBack = storeChanged(
  'nats-rolled-back',
  'an older copy of the store of NATS comes back while everything runs: the log gets what it lacks, and readers all of it',
  ({ faults, world }) => {
    const live = join(world.dataDir, 'nats');
    const kept = join(world.dataDir, 'nats-kept');
    const copy = async (from: string, to: string): Promise<void> => {
      await rm(to, { recursive: true, force: true });
      await cp(from, to, { recursive: true });
    };
    return {
      before: async () => {
        await faults.kill(natsLabel);
        await copy(live, kept);
        await faults.revive(natsLabel);
      },
      instead: () => copy(kept, live),
    };
  },
);

/** Cuts the newest file of a stream's messages to half its length. */
const cutLastBlock = async (natsDir: string, stream: string): Promise<void> => {
  const files = await readdir(natsDir, { recursive: true });
  const blocks = files.filter((file) => file.includes(join(stream, 'msgs')) && file.endsWith('.blk'));
  const numberOf = (file: string): number => Number.parseInt(basename(file), 10);
  const last = blocks.sort((a, b) => numberOf(a) - numberOf(b)).at(-1);
  if (last === undefined) throw new Error(`no messages of ${stream} below ${natsDir}`);
  const { size } = await stat(join(natsDir, last));
  await truncate(join(natsDir, last), Math.floor(size / 2));
};

const waitingCount = 5;

const cut = storeChanged(
  'nats-cut',
  'the newest messages of both streams are cut off while everything runs: runs go on, and readers get all of the log',
  ({ client, faults, world }) => ({
    before: async () => {
      await world.stopOne('agent-1');
    },
    // Their tasks wait: of what workers have in hand already nothing is lost with the queue.
    last: async () => {
      await Promise.all(Array.from({ length: waitingCount }, () => client.start('agent')));
    },
    instead: async () => {
      for (const stream of [EVENTS, TASKS]) await cutLastBlock(join(world.dataDir, 'nats'), stream);
    },
    after: () => faults.revive('agent-1'),
  }),
);

/** A copy of the database comes back after the log has gone on: what it lacks is folded in. */
const copyRestored: Scenario = scenario({
  name: 'copy-restored',
  promise: 'a database older than the log takes in what it lacks and goes on',
  seconds: 30,
  shortSeconds: 6,
  act: async (stage) => {
    const { client, faults, options, seeded, databaseFile } = stage;
    const people = startPeople(client, seeded);
    const mix = ['linear', 'slow', 'approval', 'foreach'] as const;
    const load = startLoad(stage, {
      perSecond: 10,
      seconds: options.seconds,
      mix: [...mix],
      cancelShare: 0.1,
    });
    await delay((options.seconds * 1_000) / 3);
    const copy = join(stage.world.dataDir, 'copy.sqlite');
    await faults.kill('orchestrator');
    await copyDatabase(databaseFile, copy);
    await faults.revive('orchestrator');
    await delay((options.seconds * 1_000) / 3);
    await faults.kill('orchestrator');
    await copyDatabase(copy, databaseFile);
    await faults.revive('orchestrator');
    await load.done;
    await settleAndAudit(stage);
    await people.stop();
  },
});

const waitingRun = async (stage: Stage): Promise<string> => {
  const runId = (await stage.client.start('signal'))?.runId ?? '';
  await stage.within(20, 'a run waits for its signal', async () => {
    const run = await stage.client.request('GET', `${runs}/${runId}`);
    return run?.body?.status === 'WAITING_SIGNAL';
  });
  return runId;
};

/** One run goes on in two ways, from one copy of both stores: the database of one beside the log of the other. */
const diverged: Scenario = scenario({
  name: 'copy-contradicts',
  promise: 'a database that contradicts the log is refused, with exit 78 and what to do',
  seconds: 10,
  shortSeconds: 10,
  act: async (stage) => {
    const { client, databaseFile, faults, world, findings } = stage;
    const runId = await waitingRun(stage);
    const natsDir = join(world.dataDir, 'nats');
    const swap = async (from: { db: string; nats: string }, to: { db: string; nats: string }) => {
      await copyDatabase(from.db, to.db);
      await rm(to.nats, { recursive: true, force: true });
      await cp(from.nats, to.nats, { recursive: true });
    };
    const live = { db: databaseFile, nats: natsDir };
    const kept = { db: join(world.dataDir, 'kept.sqlite'), nats: join(world.dataDir, 'kept') };
    await stop(stage, 'api', 'orchestrator');
    await faults.kill(natsLabel);
    await swap(live, kept);
    await faults.revive(natsLabel, 'orchestrator', 'api');
    await client.cancel(runId);
    await stage.within(10, 'the run is cancelled', () => hasStatus(stage, runId, 'CANCELLED'));
    await stop(stage, 'api', 'orchestrator');
    const one = join(world.dataDir, 'one.sqlite');
    await copyDatabase(databaseFile, one);
    await faults.kill(natsLabel);
    await swap(kept, live);
    await dropDatabase(join(world.dataDir, 'api.sqlite'));
    await faults.revive(natsLabel, 'orchestrator', 'api');
    await client.signal(runId, 'other');
    await stage.within(30, 'the run completes', () => hasStatus(stage, runId, 'COMPLETED'));
    await stop(stage, 'api', 'orchestrator');
    await copyDatabase(one, databaseFile);
    const end = await endOf(stage, 'orchestrator', 'contradicting');
    findings.figure('exit code', `${end?.code}`);
    findings.expect(
      end?.code === refused,
      'a database that contradicts the log is refused with 78',
      () => `${end?.code ?? 'it runs'}`,
    );
    findings.figure('what it says', end?.lastLine ?? '');
  },
});

const hasStatus = async (stage: Stage, runId: string, status: string): Promise<boolean> =>
  (await stage.client.request('GET', `${runs}/${runId}`))?.body?.status === status;

const databaseLost: Scenario = scenario({
  name: 'database-lost',
  promise:
    'an empty database beside a full log is refused, and signalbox rebuild makes it anew, table by table equal',
  seconds: 20,
  shortSeconds: 4,
  act: async (stage) => {
    const { client, databaseFile, faults, findings, options, seeded, world } = stage;
    const people = startPeople(client, seeded);
    const load = startLoad(stage, {
      perSecond: 10,
      seconds: options.seconds,
      mix: ['linear', 'approval', 'foreach', 'child', 'retries', 'failing'],
      cancelShare: 0.1,
    });
    await load.done;
    const open = await waitingRun(stage).catch(() => '');
    await people.stop();
    await delay(500);
    await stop(stage, 'orchestrator');
    const before = tablesOf(databaseFile);
    await dropDatabase(databaseFile);
    const end = await endOf(stage, 'orchestrator', 'empty-database');
    findings.expect(
      end?.code === refused,
      'an empty database beside a full log is refused with 78',
      () => `${end?.code ?? 'it runs'}`,
    );
    findings.figure('what it says', end?.lastLine ?? '');
    const rebuilt = await runCli(world, options.root, ['rebuild']);
    findings.expect(
      rebuilt.code === 0,
      'signalbox rebuild makes the database from the log',
      () => `exit ${rebuilt.code}: ${rebuilt.text.slice(-300)}`,
    );
    for (const lost of lostBetween(before, tablesOf(databaseFile)))
      findings.broken('the rebuilt database has what the lost one had', lost);
    await faults.revive('orchestrator');
    await client.signal(open, 'after');
    // What was asked of them last, nobody has answered yet.
    const again = startPeople(client, seeded);
    await settleAndAudit(stage);
    await again.stop();
  },
});

export const stores: readonly Scenario[] = [
  wiped('nats-wiped-up', 'the store of NATS is lost while the orchestrator runs: runs go on within 30 s', []),
  wiped(
    'nats-wiped-down',
    'the store of NATS is lost while the orchestrator is down: runs go on within 30 s',
    ['orchestrator'],
  ),
  rolledBack,
  cut,
  copyRestored,
  diverged,
  databaseLost,
];
