/** `kill -9` of each process and of several together, again and again under load. */
import { setTimeout as delay } from 'node:timers/promises';
import { natsLabel } from '@signalbox/testing';
import { settleAndAudit } from '../audit.js';
import { startLoad, startPeople, strikeWhenBusy } from '../load.js';
import { type Scenario, scenario } from '../scenario.js';
import { noteStandstill, noteStarts } from '../standstill.js';
import { mixed } from '../workflows.js';

interface Kill {
  readonly name: string;
  readonly promise: string;
  readonly labels: readonly string[];
  /** Milliseconds for which a run may stand still because of it. */
  readonly maxStandstillMs?: number;
}

/** Between two kills: long enough that what the first one did can show. */
const pauseMs = 3_000;
const perSecond = 10;
const killScenario = ({ name, promise, labels, maxStandstillMs }: Kill): Scenario =>
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
        await strikeWhenBusy(stage, () => faults.killAndRevive(...labels));
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
  }),
  killScenario({
    name: 'kill-everything',
    promise: 'kill -9 of every process at once repeats at most what workers had in hand',
    labels: [natsLabel, 'orchestrator', 'worker-1', 'worker-2', 'agent-1', 'approval-service', 'api'],
  }),
  away,
];
