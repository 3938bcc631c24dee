/** Clocks of different machines differ: nobody's deadline depends on another one's clock. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pendingOf, runs } from '../client.js';
import { type Scenario, scenario } from '../scenario.js';
import { shiftedBy } from '../shift-clock.js';
import type { Stage } from '../stage.js';
import { approval, signal, step, workflow } from '../workflows.js';

const services = ['orchestrator', 'step-worker', 'approval-service', 'api'] as const;
const skewMs = 60_000;
/** Those that a deadline was lost by once; the short trial has time for no others. */
const worst = [
  ['orchestrator', -skewMs],
  ['step-worker', skewMs],
] as const;
const others = services
  .flatMap((name) => [[name, skewMs] as const, [name, -skewMs] as const])
  .filter(([name, ms]) => !worst.some(([known, knownMs]) => known === name && knownMs === ms));

/** Long enough that who believes a deadline to be over does not finish before it says so. */
const unhurried =
  '---\nmodel: scripted/chaos\nanswers:\n  - output: { ok: true }\n    latencyMs: 1000\n---\n{{ task }}\n';
const timed = workflow('timed', [
  step('first', {}, { input: { agent: 'unhurried', task: 'first' }, timeoutSeconds: 30 }),
  signal('heard', { timeoutSeconds: 30 }),
  { name: 'waited', type: 'wait', seconds: 1 },
  approval('approved', { timeoutSeconds: 30 }),
]);

const statusOf = async (stage: Stage, runId: string): Promise<string | undefined> =>
  (await stage.client.request('GET', `${runs}/${runId}`))?.body?.status;

/** Everything that has a deadline, each part within seconds of the 30 that it has. */
const goThrough = async (stage: Stage, who: string): Promise<void> => {
  const started = await stage.client.start('timed');
  const runId = started?.runId ?? '';
  const promise = `a run with deadlines of 30 s completes at once while the clock of ${who} is a minute off`;
  await stage.within(15, promise, async () => (await statusOf(stage, runId)) === 'WAITING_SIGNAL');
  await stage.client.signal(runId, `s-${runId}`);
  await stage.within(15, promise, async () => (await pendingOf(stage.client, runId)) !== undefined);
  await stage.client.approve(runId, (await pendingOf(stage.client, runId)) ?? '');
  await stage.within(15, promise, async () => (await statusOf(stage, runId)) === 'COMPLETED');
};

export const clockSkew: Scenario = scenario({
  name: 'clock-skew',
  promise: 'deadlines hold although the clock of one process differs from all others by a minute',
  seconds: 40,
  shortSeconds: 10,
  stage: { services, workers: {} },
  act: async (stage) => {
    const { world, options } = stage;
    const clockOf = (name: string) => join(world.dataDir, `clock-of-${name}`);
    for (const name of services) {
      await writeFile(clockOf(name), '0');
      await world.stopOne(name);
      await world.start(name, name, shiftedBy(clockOf(name)));
    }
    await stage.client.request('PUT', '/api/v1/agents/unhurried', { body: unhurried });
    await stage.client.request('POST', '/api/v1/workflows', { body: timed });
    for (const [name, ms] of options.seconds < 20 ? worst : [...worst, ...others]) {
      await writeFile(clockOf(name), String(ms));
      // Each process looks at its file 20 times a second.
      await delay(500);
      await goThrough(stage, `${name} (${ms / 1_000} s)`);
      await writeFile(clockOf(name), '0');
    }
  },
});
