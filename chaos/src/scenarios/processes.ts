/** Two where there may be one, restarts under load, and processes that stand still. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { natsLabel } from '@signalbox/testing';
import { settleAndAudit } from '../audit.js';
import { runs } from '../client.js';
import { copyLive } from '../database.js';
import { startLoad, startPeople, strikeWhenBusy } from '../load.js';
import { endOf } from '../programs.js';
import { type Scenario, scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { noteStandstill, noteStarts } from '../standstill.js';
import { mixed, noise } from '../workflows.js';

const refusals: ReadonlySet<number | null | undefined> = new Set([75, 78]);

const twoOrchestrators: Scenario = scenario({
  name: 'two-orchestrators',
  promise: 'a second orchestrator is refused, whatever database it is given, and disturbs nobody',
  seconds: 10,
  shortSeconds: 5,
  act: async (stage) => {
    const { databaseFile, findings, options, world } = stage;
    const load = startLoad(stage, { perSecond: 5, seconds: options.seconds, mix: ['linear', 'foreach'] });
    await delay(1_000);
    const at = (name: string): string => join(world.dataDir, name);
    await symlink(databaseFile, at('link.sqlite'));
    await copyLive(databaseFile, at('copied.sqlite'));
    const databases = {
      'the same database': databaseFile,
      'a symlink to it': at('link.sqlite'),
      'a copy of it': at('copied.sqlite'),
      'an empty one': at('other.sqlite'),
    };
    for (const [what, file] of Object.entries(databases)) {
      const end = await endOf(stage, 'orchestrator', what, { SIGNALBOX_DATABASE: file });
      findings.figure(`exit of a second one on ${what}`, `${end?.code ?? 'it runs'}`);
      findings.expect(
        refusals.has(end?.code),
        'a second orchestrator ends with 75 or 78',
        () => `${what}: ${end?.code ?? 'it runs'}`,
      );
    }
    await load.done;
    await settleAndAudit(stage);
  },
});

/** From the kill on, on a machine that has little else to do. */
const maxRestartSeconds = 30;

/** The log grows without a pause until whoever was started is ready: who is ready only when nothing new comes is late. */
const readerRestarts: Scenario = scenario({
  name: 'reader-restarts',
  promise:
    'who reads the log, the api and the approval service, is ready each time it is started again under load',
  seconds: 60,
  shortSeconds: 8,
  act: async (stage) => {
    const { client, findings, options, seeded } = stage;
    const people = startPeople(client, seeded);
    const load = startLoad(stage, {
      perSecond: 8,
      seconds: options.seconds,
      mix: ['linear', 'foreach', 'slow', 'approval'],
    });
    for (const body of Object.values(noise)) await client.request('POST', '/api/v1/workflows', { body });
    const until = performance.now() + options.seconds * 1_000;
    let longestMs = 0;
    for (let count = 0; count < 2 || performance.now() < until; count += 1) {
      await delay(seeded.between(200, 900));
      const tookMs = await restartUnderNoise(stage, count % 2 === 0 ? 'api' : 'approval-service');
      // The noise goes on, and nobody could be told to end it.
      if (tookMs === undefined) return;
      longestMs = Math.max(longestMs, tookMs);
    }
    findings.figure('longest restart, ms', longestMs);
    await load.done;
    await settleAndAudit(stage);
    await people.stop();
  },
});

/** How long it took; undefined where it was not ready in time. */
const restartUnderNoise = async (stage: Stage, label: string): Promise<number | undefined> => {
  const { client, faults, findings, within } = stage;
  const runId = (await client.start('noise'))?.runId ?? '';
  const killedAt = performance.now();
  await faults.kill(label);
  let isThere = false;
  const noteStart = (): void => {
    isThere = true;
  };
  // Not waited for: who is never ready never says so.
  faults.revive(label).then(noteStart, () => undefined);
  const isReady = await within(
    maxRestartSeconds,
    `${label} is ready after a restart under load`,
    async () => isThere && (await client.request('GET', '/readyz'))?.status === 200,
  );
  if (!isReady) return undefined;
  const tookMs = performance.now() - killedAt;
  const run = await client.request('GET', `${runs}/${runId}`);
  findings.expect(
    (run?.body?.endedAt ?? null) === null,
    `${label} is ready while the log grows`,
    `the noise was over after ${tookMs.toFixed(0)} ms`,
  );
  await within(60, 'the noise ends', async () => (await client.cancel(runId)) !== undefined);
  return tookMs;
};

/** What is sent meanwhile to a worker that stands still lies with it, unread, until it wakes; others have done it then. */
const aheadMs = 500;

const frozen: Scenario = scenario({
  name: 'frozen',
  promise:
    'a process that stands still for longer than the ack wait repeats nothing but what it had in hand itself',
  seconds: 100,
  shortSeconds: 14,
  act: async (stage) => {
    const { client, faults, options, seeded } = stage;
    const people = startPeople(client, seeded);
    const load = startLoad(stage, { perSecond: 5, seconds: options.seconds, mix: mixed });
    await delay(1_000);
    const standMs = 12_000;
    if (options.seconds < 60)
      await strikeWhenBusy(stage, async () => {
        const worker = faults.freeze('worker-1', standMs);
        await delay(aheadMs);
        await Promise.all([worker, faults.freeze('orchestrator', standMs)]);
      });
    else
      for (const label of ['orchestrator', 'worker-1', 'agent-1', 'approval-service', 'api', natsLabel]) {
        await faults.freeze(label, standMs);
        await delay(2_000);
      }
    await load.done;
    const log = await settleAndAudit(stage);
    await people.stop();
    noteStandstill(stage, log);
  },
});

/** Kills, stand-stills and lost stores at random, under twenty starts a second of every kind of workflow. */
const random: Scenario = scenario({
  name: 'random',
  promise: 'whatever strikes: all runs end, none is lost, nothing is executed twice but for its own worker',
  seconds: 1_800,
  shortSeconds: 20,
  act: async (stage) => {
    const { client, faults, findings, options, seeded } = stage;
    const people = startPeople(client, seeded);
    const perSecond = options.seconds < 60 ? 8 : 20;
    const load = startLoad(stage, { perSecond, seconds: options.seconds, mix: mixed, cancelShare: 0.1 });
    const until = performance.now() + options.seconds * 1_000;
    const labels = faults.labels as [string, ...string[]];
    const kill = (...killed: readonly string[]): Promise<void> =>
      strikeWhenBusy(stage, () => faults.killAndRevive(...killed));
    const strikes: [() => Promise<void>, ...(() => Promise<void>)[]] = [
      () => kill(seeded.pick(labels)),
      () => kill(seeded.pick(labels)),
      () => kill('orchestrator'),
      () => kill(natsLabel, 'orchestrator'),
      () => faults.freeze(seeded.pick(labels), seeded.between(500, 2_500)),
    ];
    const rare: [() => Promise<void>, ...(() => Promise<void>)[]] = [
      () => faults.freeze(seeded.pick(labels), 12_000),
      () => faults.wipe(),
      () => faults.wipe({ alsoDown: ['orchestrator'] }),
    ];
    while (performance.now() < until) {
      await delay(seeded.between(1_000, 4_000));
      await (seeded.next() < 0.12 ? seeded.pick(rare)() : seeded.pick(strikes)());
    }
    await load.done;
    const log = await settleAndAudit(stage, 120);
    await people.stop();
    findings.figure('starts that nobody answered', load.unanswered);
    noteStarts(stage);
    noteStandstill(stage, log);
  },
});

export const processes: readonly Scenario[] = [twoOrchestrators, readerRestarts, frozen, random];
