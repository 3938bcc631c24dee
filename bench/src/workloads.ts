/** The four workloads; each returns one line of figures. Times in milliseconds, rates per second. */
import { fanOut, noopAgent, sequential } from './definitions.js';
import type { Driver } from './driver.js';
import { median, quantile } from './statistics.js';

export type Figures = Readonly<Record<string, number | string>>;

export interface Workload {
  readonly name: string;
  readonly what: string;
  readonly measure: (driver: Driver) => Promise<Figures>;
}

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

const timed = async (work: () => Promise<void>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

const manyRuns =
  (runCount: number) =>
  async (driver: Driver): Promise<Figures> => {
    const { id, source } = sequential(10);
    await driver.putWorkflow(source);
    const wallMs = await timed(() => driver.run(id, Array<unknown>(runCount).fill({})));
    return {
      runs: runCount,
      steps: runCount * 10,
      wallMs: round(wallMs, 0),
      stepsPerSecond: round((runCount * 10_000) / wallMs, 0),
    };
  };

/** Intervals between the ends of consecutive steps, as seen by a subscriber of the log. */
const stepIntervals = async (driver: Driver, id: string): Promise<number[]> => {
  const arrivals: number[] = [performance.now()];
  await driver.run(id, [{}], () => arrivals.push(performance.now()));
  return arrivals.slice(1).map((at, index) => at - (arrivals[index] ?? at));
};

const oneAtATime = async (driver: Driver): Promise<Figures> => {
  const { id, source } = sequential(10);
  await driver.putWorkflow(source);
  const intervals: number[] = [];
  for (let run = 0; run < 50; run += 1) intervals.push(...(await stepIntervals(driver, id)));
  return {
    runs: 50,
    steps: intervals.length,
    p50Ms: round(median(intervals)),
    p99Ms: round(quantile(intervals, 0.99)),
  };
};

const wideForeach = async (driver: Driver): Promise<Figures> => {
  const { id, source } = fanOut(500);
  await driver.putWorkflow(source);
  const input = { items: Array.from({ length: 500 }, (_, index) => index) };
  const wallMs = await timed(() => driver.run(id, [input]));
  return { items: 500, wallMs: round(wallMs, 0) };
};

const longRun = async (driver: Driver): Promise<Figures> => {
  const { id, source } = sequential(1_000);
  await driver.putWorkflow(source);
  const intervals = await stepIntervals(driver, id);
  const sum = (part: readonly number[]): number => part.reduce((total, value) => total + value, 0);
  const first = sum(intervals.slice(0, 100));
  const last = sum(intervals.slice(-100));
  return {
    steps: intervals.length,
    wallMs: round(sum(intervals), 0),
    firstHundredMs: round(first, 1),
    lastHundredMs: round(last, 1),
    lastOverFirst: round(last / first),
  };
};

export const workloads: readonly Workload[] = [
  { name: 'W1-200', what: '200 runs of 10 sequential steps, started at once', measure: manyRuns(200) },
  { name: 'W1-1000', what: '1,000 runs of 10 sequential steps, started at once', measure: manyRuns(1_000) },
  { name: 'W2', what: 'one run of 10 steps at a time', measure: oneAtATime },
  { name: 'W3', what: 'one foreach of 500 items, concurrency 500', measure: wideForeach },
  { name: 'W4', what: 'one run of 1,000 sequential steps', measure: longRun },
];

/** Fills code caches and the catalog, so that the first measured run is like the others. */
export const warmUp = async (driver: Driver): Promise<void> => {
  await driver.putAgent(noopAgent.name, noopAgent.source);
  const { id, source } = sequential(10);
  await driver.putWorkflow(source);
  for (let round = 0; round < 3; round += 1) await driver.run(id, Array<unknown>(100).fill({}));
};
