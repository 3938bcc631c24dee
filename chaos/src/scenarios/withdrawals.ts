/** What is not wanted any more disturbs nobody else: cancels, joins, timeouts and failures beside other runs. */

import { settleAndAudit } from '../audit.js';
import type { Client, Promised } from '../client.js';
import { type Scenario, scenario } from '../scenario.js';

const startMany = async (client: Client, workflow: string, count: number): Promise<readonly Promised[]> => {
  const started = await Promise.all(Array.from({ length: count }, () => client.start(workflow)));
  return started.flatMap((each) => (each === undefined ? [] : [each]));
};

/** Few hands, so that most tasks wait in the stream while some of them are taken back. */
const fewHands = { concurrency: 3 };

const cancelOneOf = (name: string, workflow: string, target: string): Scenario =>
  scenario({
    name,
    promise: `to cancel one of 64 runs takes no ${target} task from the others`,
    seconds: 30,
    shortSeconds: 6,
    stage: { ...fewHands, workers: { 'worker-1': 'worker', 'agent-1': 'agent' } },
    act: async (stage) => {
      const started = await startMany(stage.client, workflow, stage.options.seconds < 10 ? 24 : 64);
      const victims = started.filter((_, index) => index % 16 === 9);
      for (const { runId } of victims) await stage.client.cancel(runId);
      await settleAndAudit(stage);
    },
  });

const beside = (name: string, promise: string, disturbing: string): Scenario =>
  scenario({
    name,
    promise,
    seconds: 30,
    shortSeconds: 6,
    stage: { ...fewHands, workers: { 'worker-1': 'worker', 'agent-1': 'agent' } },
    act: async (stage) => {
      const count = stage.options.seconds < 10 ? 6 : 20;
      await Promise.all([
        startMany(stage.client, disturbing, count),
        startMany(stage.client, 'one', count),
        startMany(stage.client, 'one-agent', count),
        startMany(stage.client, disturbing, count),
        startMany(stage.client, 'one', count),
      ]);
      await settleAndAudit(stage);
    },
  });

export const withdrawals: readonly Scenario[] = [
  cancelOneOf('cancel-one', 'one', 'worker'),
  cancelOneOf('cancel-one-agent', 'one-agent', 'agent'),
  beside('join-any', 'the losers of a join leave the tasks of other runs alone', 'any'),
  beside('step-timeout', 'a step timeout leaves the tasks of other runs alone', 'timeout'),
  beside('failing-run', 'a failing run leaves the tasks of other runs alone', 'failing-wide'),
];
