/** A named trial: what it promises, how long it takes, and what is done. */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStage, type Stage, type StageParts, type TrialOptions } from './stage.js';
import type { Verdict } from './verdict.js';

export interface Scenario {
  readonly name: string;
  /** The sentence that it puts to the proof. */
  readonly promise: string;
  /** Length of the faults and the load unless the caller says otherwise. */
  readonly seconds: number;
  /** Length in the project's tests; absent where a short version would prove nothing. */
  readonly shortSeconds?: number;
  run(options: TrialOptions): Promise<Verdict>;
}

export interface ScenarioParts extends Omit<Scenario, 'run'> {
  readonly stage?: StageParts;
  readonly act: (stage: Stage) => Promise<void>;
}

/** Stores and logs of a trial, where the caller wants to look at them. */
const keepRemains = async ({ options, world, client, faults }: Stage, name: string): Promise<void> => {
  const { keep, seed } = options;
  if (keep === undefined) return;
  const folder = join(keep, `${name.replaceAll('/', '-')}-${seed}`);
  await cp(world.dataDir, folder, { recursive: true });
  const trial = { promised: client.promised, faults: faults.all };
  await writeFile(join(folder, 'trial.json'), JSON.stringify(trial, null, 1));
  for (const label of new Set([...world.nats.labels, ...world.launched.map((each) => each.label)]))
    await writeFile(join(folder, `${label}.log`), world.logsOf(label));
};

/** Opens the stage, acts, and closes it whatever happened; what is thrown is a broken promise as well. */
export const scenario = ({ stage: parts, act, ...about }: ScenarioParts): Scenario => ({
  ...about,
  run: async (options) => {
    const stage = await openStage(options, parts);
    try {
      await act(stage);
    } catch (error) {
      stage.findings.broken(
        'the trial comes to its end',
        error instanceof Error ? `${error.stack}` : `${error}`,
      );
    } finally {
      await keepRemains(stage, about.name);
      await stage.close();
    }
    return stage.findings.verdict(about.name, options.seed);
  },
});
