/** `kill -9` of each process and of several together, again and again under load. */
import { setTimeout as delay } from 'node:timers/promises';
import { natsLabel } from '@signalbox/testing';
import { settleAndAudit } from '../audit.js';
import { pendingOf } from '../client.js';
import { startLoad, startPeople, strikeWhenBusy } from '../load.js';
import { type Scenario, scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { noteStandstill, noteStarts } from '../standstill.js';
import { mixed } from '../workflows.js';

interface Kill {
  readonly name: string;
  readonly promise: string;
  readonly labels: readonly string[];
  /** Milliseconds for which a run may stand still because of it. */
  readonly maxStandstillMs?: number;
  /** Default: when much has just been done, and everything is started again at once. */
  readonly strike?: (stage: Stage) => Promise<void>;
}

/** Between two kills: long enough that what the first one did can show. */
const pauseMs = 3_000;
const perSecond = 10;
const killScenario = ({ name, promise, labels, maxStandstillMs, strike }: Kill): Scenario =>
  scenario({
    name,
    promise,
    seconds: 180,
    shortSeconds: 8,
    act: async (stage) => {
      const { client, faults, findings, options, seeded } = stage;
      const load = startLoad(stage, { perSecond, seconds: options.seconds, mix: mixed, cancelShare: 0.1 });
      const people = startPeople(client, seeded);
      const until = performance.now() + options.seconds * 1_000;
      await delay(1_000);
      const { kills = Number.POSITIVE_INFINITY } = options;
      for (
        let count = 0;
        count < kills && (options.kills !== undefined || performance.now() < until);
        count += 1
      ) {
        if (strike === undefined) await strikeWhenBusy(stage, () => faults.killAndRevive(...labels));
        else await strike(stage);
        await delay(pauseMs + seeded.between(0, 500));
      }
      await load.done;
      const log = await settleAndAudit(stage);
      await people.stop();
      noteStarts(stage);
      for (const [what, ms] of noteStandstill(stage, log)) {
        const limit = (maxStandstillMs ?? Number.POSITIVE_INFINITY) * options.patience;
        findings.expect(ms <= limit, `no run stands still for more than ${limit} ms`, `${what}: ${ms} ms`);
      }
    },
  });

const askedCount = 12;
/** From the first of several approvals, begun together, until all of them are asked for. */
const askingMs = 300;

/** Decisions are under way when it dies, and others are taken while nobody hears them. */
const killAmongDecisions = async (stage: Stage): Promise<void> => {
  const { client, faults } = stage;
  const begun = await Promise.all(Array.from({ length: askedCount }, () => client.start('approval')));
  const runIds = begun.flatMap((each) => (each === undefined ? [] : [each.runId]));
  const decide = async (runId: string): Promise<void> => {
    const approvalId = await pendingOf(client, runId);
    if (approvalId !== undefined) await client.approve(runId, approvalId);
  };
  await stage.within(20, 'approvals are asked for', async () => {
    const pending = await Promise.all(runIds.map((runId) => pendingOf(client, runId)));
    return pending.some((each) => each !== undefined);
  });
  const half = runIds.length / 2;
  const underWay = runIds.slice(0, half).map(decide);
  await faults.kill('approval-service');
  await delay(askingMs);
  const unheard = runIds.slice(half).map(decide);
  await delay(askingMs);
  await faults.revive('approval-service');
  await Promise.all([...underWay, ...unheard]);
};

/** The orchestrator away for longer than the duplicate window of the streams, with work in its hands when it died. */
const away: Scenario = scenario({
  name: 'orchestrator-away',
  promise: 'an orchestrator that was away for longer than the duplicate window repeats nothing',
  seconds: 128,
  act: async (stage) => {
    const { client, faults, options, seeded } = stage;
    const people = startPeople(client, seeded);
    const load = startLoad(stage, { perSecond: 40, seconds: 5, mix: ['slow', 'linear', 'foreach'] });
    await delay(4_000);
    await faults.kill('orchestrator');
    await delay(options.seconds * 1_000);
    await faults.revive('orchestrator');
    await load.done;
    await settleAndAudit(stage);
    await people.stop();
  },
});

export const kills: readonly Scenario[] = [
  killScenario({
    name: 'kill-orchestrator',
    promise: 'kill -9 of the orchestrator under load repeats nothing and costs no run more than 3 s',
    labels: ['orchestrator'],
    maxStandstillMs: 3_000,
  }),
  killScenario({
    name: 'kill-worker',
    promise: 'kill -9 of a worker repeats at most what it had in hand and costs no run more than 12 s',
    labels: ['worker-1'],
    maxStandstillMs: 12_000,
  }),
  killScenario({
    name: 'kill-nats',
    promise: 'kill -9 of nats-server repeats nothing',
    labels: [natsLabel],
  }),
  killScenario({
    name: 'kill-nats-and-orchestrator',
    promise: 'kill -9 of nats-server and the orchestrator together repeats nothing',
    labels: [natsLabel, 'orchestrator'],
  }),
  killScenario({
    name: 'kill-approval-service',
    promise: 'kill -9 of the approval service loses no decision',
    labels: ['approval-service'],
    strike: killAmongDecisions,
  }),
  killScenario({
    name: 'kill-everything',
    promise: 'kill -9 of every process at once repeats at most what workers had in hand',
    labels: [natsLabel, 'orchestrator', 'worker-1', 'worker-2', 'agent-1', 'approval-service', 'api'],
  }),
  away,
];
