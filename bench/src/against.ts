/**
 * `--against <folder>`: this build beside another one, which is built in that folder. Both platforms are up at the same
 * time and take turns, a round of one and a round of the other, so that a quotient is of two rounds that were seconds
 * apart: a machine whose host is half as quick at one time as at another says the same of both.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Driver, openDriver } from './driver.js';
import { type BenchPlatform, startBenchPlatform } from './platform.js';
import { median } from './statistics.js';
import { type Figures, type Workload, warmUp, workloads } from './workloads.js';

/** What the other build has under the same names. */
interface Build {
  readonly startBenchPlatform: typeof startBenchPlatform;
  readonly openDriver: typeof openDriver;
  readonly warmUp: typeof warmUp;
  readonly workloads: readonly Workload[];
}

interface Side {
  readonly platform: BenchPlatform;
  readonly driver: Driver;
  readonly workloads: readonly Workload[];
}

export interface Comparison {
  readonly workload: string;
  /** Medians: milliseconds of a round, of W2 those of a step. */
  readonly here: number;
  readonly there: number;
  /** Median of the quotients of neighbouring rounds, here / there; below 1 this build is the quicker. */
  readonly quotient: number;
  readonly quotients: readonly number[];
  /** Processor time of all processes together, here / there. */
  readonly cpuQuotient: number;
  /** Seconds of processor time that each process has used in all rounds. */
  readonly cpuSeconds: { readonly here: CpuSeconds; readonly there: CpuSeconds };
}

export interface CompareOptions {
  readonly folder: string;
  /** Pairs of rounds. */
  readonly repeat: number;
  /** Names of workloads; all when absent. */
  readonly only: readonly string[] | undefined;
  readonly report: (comparison: Comparison) => void;
}

const here: Build = { startBenchPlatform, openDriver, warmUp, workloads };

const buildIn = async (folder: string): Promise<Build> => {
  const parts = ['platform', 'driver', 'workloads'].map(
    (part) => import(pathToFileURL(resolve(folder, 'bench/dist', `${part}.js`)).href),
  );
  return Object.assign({}, ...(await Promise.all(parts))) as Build;
};

const open = async (build: Build): Promise<Side> => {
  const platform = await build.startBenchPlatform({ without: [], execArgv: [] });
  const driver = await build.openDriver(platform.natsUrl);
  await build.warmUp(driver);
  return { platform, driver, workloads: build.workloads };
};

const close = async ({ driver, platform }: Side): Promise<void> => {
  await driver.close();
  await platform.stop();
};

const timeOf = (figures: Figures): number => Number(figures.p50Ms ?? figures.wallMs);

type CpuSeconds = Readonly<Record<string, number>>;

interface Round {
  readonly ms: number;
  readonly cpuSeconds: CpuSeconds;
}

const roundOf = async ({ platform, driver, workloads }: Side, name: string): Promise<Round> => {
  const workload = workloads.find((one) => one.name === name);
  if (workload === undefined) throw new Error(`the other build has no workload ${name}`);
  const before = await platform.cpuSeconds();
  const ms = timeOf(await workload.measure(driver));
  return { ms, cpuSeconds: combined(await platform.cpuSeconds(), before, (after, then) => after - then) };
};

/** Who goes first changes with each pair. */
const pairsOf = async (sides: readonly [Side, Side], name: string, count: number) => {
  const pairs: { readonly here: Round; readonly there: Round }[] = [];
  for (let pair = 0; pair < count; pair += 1) {
    const isHereFirst = pair % 2 === 0;
    const first = await roundOf(sides[isHereFirst ? 0 : 1], name);
    const second = await roundOf(sides[isHereFirst ? 1 : 0], name);
    pairs.push(isHereFirst ? { here: first, there: second } : { here: second, there: first });
  }
  return pairs;
};

const digits = (value: number): number => Number(value.toFixed(2));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const combined = (one: CpuSeconds, other: CpuSeconds, how: (a: number, b: number) => number): CpuSeconds =>
  Object.fromEntries(
    Object.entries(one).map(([name, value]) => [name, digits(how(value, other[name] ?? 0))]),
  );

const totalOf = (rounds: readonly Round[]): CpuSeconds =>
  rounds
    .map(({ cpuSeconds }) => cpuSeconds)
    .reduce((total, next) => combined(next, total, (a, b) => a + b), {});

export const compare = async ({ folder, repeat, only, report }: CompareOptions): Promise<void> => {
  const sides: [Side, Side] = [await open(here), await open(await buildIn(folder))];
  try {
    for (const { name } of workloads.filter(({ name }) => only?.includes(name) ?? true)) {
      const pairs = await pairsOf(sides, name, repeat);
      const cpuSeconds = {
        here: totalOf(pairs.map((pair) => pair.here)),
        there: totalOf(pairs.map((pair) => pair.there)),
      };
      const quotients = pairs.map((pair) => digits(pair.here.ms / pair.there.ms));
      report({
        workload: name,
        here: digits(median(pairs.map((pair) => pair.here.ms))),
        there: digits(median(pairs.map((pair) => pair.there.ms))),
        quotient: median(quotients),
        quotients,
        cpuQuotient: digits(sum(Object.values(cpuSeconds.here)) / sum(Object.values(cpuSeconds.there))),
        cpuSeconds,
      });
    }
  } finally {
    await Promise.all(sides.map(close));
  }
};
