/** Innocent runs beside an attack: how long their starts take, and whether they end; and that no process was lost. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Promised } from '../client.js';
import { isAlive } from '../programs.js';
import type { Stage } from '../stage.js';
import { quantile } from '../verdict.js';

const everyMs = 100;
const warmUpMs = 8_000;
const maxStartMs = 100;
const maxCallMs = 100;
const maxLoopDelayMs = 25;
/** A turn takes about 12 ms; with the collector and the compiler it may take some times that. */
const maxTurnMs = 100;
const maxTurnEverMs = 400;

export interface Victims {
  /** Lets them start runs for some seconds of which nothing is judged; how long that took without an attack is a figure. */
  warmUp(): Promise<void>;
  /** Ends the starts, and judges what the victims have suffered. */
  judge(): Promise<void>;
}

const services = ['orchestrator', 'api', 'approval-service'];

export const startVictims = (stage: Stage): Victims => {
  const { client, findings, options, world } = stage;
  const ended = new AbortController();
  const starts: Promise<Promised | undefined>[] = [];
  const reads: number[] = [];
  const pids = services.map((name) => [name, world.pidOf(name)] as const);
  const work = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      starts.push(client.start('linear', 20_000));
      void client.request('GET', '/api/v1/workflows/linear').then((answer) => {
        reads.push(answer?.status === 200 ? answer.ms : Number.POSITIVE_INFINITY);
      });
      await delay(everyMs, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  };
  const done = work();
  return {
    warmUp: async () => {
      await delay(warmUpMs);
      const answered = await Promise.all(starts.splice(0));
      const times = answered.slice(answered.length / 2).map((each) => each?.ms ?? Number.POSITIVE_INFINITY);
      findings.figure('starts without an attack p50, ms', quantile(times, 0.5));
      findings.figure('starts without an attack p99, ms', quantile(times, 0.99));
      reads.length = 0;
    },
    judge: async () => {
      ended.abort();
      await done;
      const answered = await Promise.all(starts);
      const times = answered.map((each) => each?.ms ?? Number.POSITIVE_INFINITY);
      const limitMs = maxStartMs * options.patience;
      const p99 = quantile(times, 0.99);
      findings.figure("victims' starts", times.length);
      findings.figure("victims' starts p50, ms", quantile(times, 0.5));
      findings.figure("victims' starts p99, ms", p99);
      findings.figure("victims' reads p99, ms", quantile(reads, 0.99));
      findings.expect(p99 <= limitMs, `others start within ${limitMs} ms at p99`, `${p99.toFixed(0)} ms`);
      const readLimit = maxCallMs * options.patience;
      findings.expect(
        quantile(reads, 0.99) <= readLimit,
        `others read within ${readLimit} ms at p99`,
        `${quantile(reads, 0.99)} ms`,
      );
      judgePids(stage, pids);
    },
  };
};

/** Nobody restarts a process in a trial of an attack: one that ended is gone. */
const judgePids = (stage: Stage, pids: readonly (readonly [string, number])[]): void => {
  for (const [name, pid] of pids) {
    const isThere = isAlive(pid);
    stage.findings.expect(
      isThere,
      'no process ends because of an attack',
      () => `${name}: ${stage.world.processOf(name).lines.at(-1)?.slice(0, 300)}`,
    );
  }
};

/** Ends the orchestrator, which then tells how long its event loop was held; also where it is none of the victims' affair. */
export const judgeLoop = async (stage: Stage): Promise<void> => {
  await stage.world.stopOne('orchestrator');
  const all = stage.world.processOf('orchestrator').lines;
  const silences = all.filter((line) => line.includes('the server is silent though it was asked'));
  stage.findings.figure('times nats-server was silent to the orchestrator', silences.length);
  const lines = all
    .filter((line) => line.includes('"msg":"event loop delay"'))
    .map((line): Record<string, unknown> => JSON.parse(line));
  stage.findings.expect(lines.length > 0, 'the orchestrator tells its event loop delay', 'it does not');
  const greatest = (field: string): number => Math.max(0, ...lines.map((line) => Number(line[field])));
  const delayMs = greatest('p999_ms');
  const turnMs = greatest('longest_turn_processor_ms');
  // Not of wall time, so a busy machine does not count, and the limit holds whatever patience there is with one.
  const turnLimit = Math.min(maxTurnMs * stage.options.patience, maxTurnEverMs);
  stage.findings.figure('longest turn of the orchestrator, ms of processor time', turnMs);
  stage.findings.figure('event loop delay of the orchestrator at most, ms', greatest('max_ms'));
  stage.findings.expect(
    turnMs <= turnLimit,
    `no turn of the orchestrator takes more than ${turnLimit} ms of processor time`,
    `${turnMs} ms`,
  );
  const limit = maxLoopDelayMs * stage.options.patience;
  stage.findings.figure('event loop delay of the orchestrator p99.9, ms', delayMs);
  stage.findings.expect(
    delayMs <= limit,
    `the orchestrator's event loop is held for at most ${limit} ms at p99.9`,
    `${delayMs} ms`,
  );
};
