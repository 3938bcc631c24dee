/** What came in time counts, however late it is read; and clocks may jump. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { settleAndAudit } from '../audit.js';
import { type Promised, pendingOf, runs } from '../client.js';
import { type Scenario, scenario } from '../scenario.js';
import { shiftedBy } from '../shift-clock.js';
import type { Stage } from '../stage.js';
import { clockSkew } from './clock-skew.js';

const many = async (stage: Stage, workflow: string, count = 12): Promise<readonly string[]> => {
  const started = await Promise.all(Array.from({ length: count }, () => stage.client.start(workflow)));
  return started.flatMap((each: Promised | undefined) => (each === undefined ? [] : [each.runId]));
};

/** Answers that were sent while nobody could read them: one request each, which the api answers with 202 after a while. */
const decideAll = async (stage: Stage, asked: readonly (readonly [string, string])[]): Promise<void> => {
  await Promise.all(asked.map(([runId, approvalId]) => stage.client.approve(runId, approvalId)));
};

const inTime: Scenario = scenario({
  name: 'in-time',
  promise:
    'results, decisions and signals that came in time count although the orchestrator was away past the deadline',
  seconds: 12,
  shortSeconds: 11,
  stage: { env: { SIGNALBOX_API_CONFIRMATION_TIMEOUT_MS: '500' } },
  act: async (stage) => {
    const asking = await many(stage, 'in-time-approval');
    const hearing = await many(stage, 'in-time-signal');
    await stage.within(20, 'approvals are asked for', async () => {
      const pending = await Promise.all(asking.map((runId) => pendingOf(stage.client, runId)));
      return pending.every((each) => each !== undefined);
    });
    const asked: [string, string][] = [];
    for (const runId of asking) asked.push([runId, (await pendingOf(stage.client, runId)) ?? '']);
    await many(stage, 'in-time-step');
    await stage.faults.kill('orchestrator');
    await Promise.all([
      decideAll(stage, asked),
      ...hearing.map((runId) => stage.client.signal(runId, `s-${runId}`)),
    ]);
    await delay(stage.options.seconds * 1_000);
    await stage.faults.revive('orchestrator');
    await settleAndAudit(stage);
  },
});

/** Every process but nats-server sees the shifted clock, as the processes of one machine would. */
const clockJumps: Scenario = scenario({
  name: 'clock-jumps',
  promise: 'timers fire although the wall clock jumps, forward or back',
  seconds: 20,
  shortSeconds: 1,
  act: async (stage) => {
    const { world, faults } = stage;
    const file = join(world.dataDir, 'clock-offset');
    await writeFile(file, '0');
    const env = shiftedBy(file);
    faults.manage('orchestrator', () => world.start('orchestrator', 'orchestrator', env));
    await world.stopOne('orchestrator');
    await faults.revive('orchestrator');
    for (const [offsetSeconds, name] of [
      [600, 'forward'],
      [300, 'back'],
      [301, 'on'],
    ] as const) {
      // What is due by the clock that was set forward would not end by itself in the time that it has.
      const before = await many(stage, name === 'forward' ? 'long-wait' : 'wait', 4);
      await writeFile(file, String(offsetSeconds * 1_000));
      await delay(500);
      const after = await many(stage, 'wait', 4);
      // A wait that was begun before the clock was set back is due when the clock says so again.
      const due = offsetSeconds === 300 ? after : [...before, ...after];
      await stage.within(12, `a wait that is due ends after the clock went ${name}`, () =>
        allEnded(stage, due),
      );
    }
    // So that what was begun before the clock was set back comes to its end, too.
    await writeFile(file, '1200000');
    await settleAndAudit(stage);
  },
});

const allEnded = async (stage: Stage, runIds: readonly string[]): Promise<boolean> => {
  for (const runId of runIds) {
    const answer = await stage.client.request('GET', `${runs}/${runId}`);
    if (answer?.body?.status !== 'COMPLETED') return false;
  }
  return true;
};

export const times: readonly Scenario[] = [inTime, clockJumps, clockSkew];
