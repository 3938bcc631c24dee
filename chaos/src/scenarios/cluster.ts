/** A cluster of three nats-servers with three copies of each stream, whose leaders die. */
import { setTimeout as delay } from 'node:timers/promises';
import { EVENTS, TASKS } from '@signalbox/protocol';
import { settleAndAudit } from '../audit.js';
import type { RunLog } from '../histories.js';
import { startLoad, startPeople } from '../load.js';
import { type Scenario, scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { noteStandstill, noteStarts } from '../standstill.js';
import { mixed } from '../workflows.js';

const perSecond = 10;
/**
 * For which starts may be refused because a leader died: nats-server 2.9 waits 4 to 9 s before its members elect
 * another one, and whoever asked meanwhile asks again.
 */
const maxAwayMs = 12_000;
const maxElectionSeconds = 30;
/** Without its leader for this long, before it comes back. */
const downMs = 2_000;

const leaders: Scenario = scenario({
  name: 'cluster-leaders',
  promise:
    'in a cluster with three copies, kill -9 of the leader of each stream repeats nothing and is over within 12 s',
  seconds: 60,
  shortSeconds: 4,
  stage: { natsServers: 3, env: { SIGNALBOX_STREAM_REPLICAS: '3' } },
  act: async (stage) => {
    const { client, faults, findings, options, seeded, world } = stage;
    const people = startPeople(client, seeded);
    const load = startLoad(stage, { perSecond, seconds: options.seconds, mix: mixed, cancelShare: 0.1 });
    const until = performance.now() + options.seconds * 1_000;
    await delay(1_000);
    do {
      for (const stream of [TASKS, EVENTS]) {
        const leader = await leaderOf(stage, stream);
        if (leader === undefined) continue;
        await faults.kill(leader);
        await delay(downMs);
        await faults.revive(leader);
        await world.nats.untilInSync();
      }
    } while (performance.now() < until);
    await load.done;
    const log = await settleAndAudit(stage);
    for (const stream of [TASKS, EVENTS])
      await stage.within(10, 'every member numbers the messages of a stream alike', async () => {
        const [last, ...others] = await world.nats.lastSequences(stream);
        return last !== undefined && others.every((each) => each === last);
      });
    await people.stop();
    noteStarts(stage);
    noteStandstill(stage, log);
    const limit = maxAwayMs * options.patience;
    const silence = longestSilence(stage);
    findings.figure('longest time without an accepted start, ms', silence);
    findings.figure('slowest run of chained steps, ms', slowestRun(stage, log));
    findings.expect(silence <= limit, `starts are accepted again within ${limit} ms`, `${silence} ms`);
  },
});

/** On a busy machine a leader may be late with its heartbeats, and another one be elected just now. */
const leaderOf = async ({ world, within }: Stage, stream: string): Promise<string | undefined> => {
  let leader: string | undefined;
  await within(maxElectionSeconds, 'a stream of a cluster in sync has a leader', async () => {
    leader = await world.nats.leaderOf(stream);
    return leader !== undefined;
  });
  return leader;
};

/** Between two starts that were accepted, one after the other, while there was load. */
const longestSilence = ({ client }: Stage): number => {
  const times = client.promised.filter(({ kind }) => kind === 'start').map(({ answeredAt }) => answeredAt);
  times.sort((a, b) => a - b);
  return Math.max(0, ...times.slice(1).map((at, index) => at - (times[index] ?? at)));
};

/** Of runs that wait for nobody and take well under a second when nothing happens. */
const slowestRun = ({ client }: Stage, log: RunLog): number => {
  const durations = client.promised
    .filter(({ kind, workflow }) => kind === 'start' && workflow === 'linear')
    .map(({ runId }) => {
      const events = log.get(runId)?.events ?? [];
      return (events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0);
    });
  return Math.max(0, ...durations);
};

export const cluster: readonly Scenario[] = [leaders];
