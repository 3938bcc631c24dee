/**
 * `pnpm bench`: every workload on the real processes. Options: `--json` (a line for each workload), `--repeat n`
 * (the median run by wall time or rate is printed; default 3), `--only W1-1000,W4`, `--without api`,
 * `--cpu-prof <folder>` (each process writes a CPU profile there when it stops), `--against <folder>` (`against.ts`).
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Comparison, compare } from './against.js';
import { openDriver } from './driver.js';
import { type BenchPlatform, type ProgramName, startBenchPlatform } from './platform.js';
import { type Figures, type Workload, warmUp, workloads } from './workloads.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    repeat: { type: 'string', default: '3' },
    only: { type: 'string' },
    without: { type: 'string', default: '' },
    'cpu-prof': { type: 'string' },
    against: { type: 'string' },
  },
});

const headline = (figures: Figures): number =>
  Number(figures.stepsPerSecond ?? figures.p50Ms ?? figures.lastOverFirst ?? figures.wallMs);

const medianRun = (runs: readonly Figures[]): Figures => {
  const sorted = [...runs].sort((a, b) => headline(a) - headline(b));
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? {};
};

const measure = async (platform: BenchPlatform, workload: Workload): Promise<void> => {
  const driver = await openDriver(platform.natsUrl);
  const runs: Figures[] = [];
  const before = await platform.cpuSeconds();
  for (let round = 0; round < Number(values.repeat); round += 1) runs.push(await workload.measure(driver));
  const after = await platform.cpuSeconds();
  await driver.close();
  const cpu = Object.fromEntries(
    Object.entries(after).map(([name, seconds]) => [
      name,
      Number((seconds - (before[name] ?? 0)).toFixed(2)),
    ]),
  );
  const figures = medianRun(runs);
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ workload: workload.name, ...figures, all: runs.map(headline), cpuSeconds: cpu })}\n`,
    );
  } else {
    process.stdout.write(
      `${workload.name.padEnd(8)} ${workload.what}\n         ${JSON.stringify(figures)}\n`,
    );
    process.stdout.write(
      `         of ${runs.map(headline).join(', ')}; CPU seconds ${JSON.stringify(cpu)}\n`,
    );
  }
};

const reportComparison = (comparison: Comparison): void => {
  const { workload, here, there, quotient, cpuQuotient, quotients } = comparison;
  process.stdout.write(
    values.json
      ? `${JSON.stringify(comparison)}\n`
      : `${workload.padEnd(8)} ${here} / ${there} ms: ${quotient} of ${quotients.join(', ')}; CPU ${cpuQuotient}\n`,
  );
};

const main = async (): Promise<void> => {
  const profileFolder = values['cpu-prof'];
  const platform = await startBenchPlatform({
    without: values.without.split(',').filter((name) => name !== '') as ProgramName[],
    execArgv: profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profileFolder)}`],
  });
  try {
    const driver = await openDriver(platform.natsUrl);
    await warmUp(driver);
    await driver.close();
    const chosen = values.only?.split(',');
    for (const workload of workloads) {
      if (chosen === undefined || chosen.includes(workload.name)) await measure(platform, workload);
    }
  } finally {
    await platform.stop();
  }
};

if (values.against === undefined) await main();
else {
  await compare({
    folder: values.against,
    repeat: Number(values.repeat),
    only: values.only?.split(','),
    report: reportComparison,
  });
}
