/**
 * `pnpm chaos <name> …`: trials of the real processes, each on a nats-server and a folder of its own, on loopback.
 * Exit 0: every promise was kept; 1: one was broken; 64: usage.
 */
import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';
import { verdictText } from './verdict.js';

const usage = `pnpm chaos <name> … | all [--minutes N | --seconds N | --kills N] [--short] [--seed S] [--patience F] [--root DIR] [--keep DIR] [--json]
pnpm chaos --list
`;

const usageError = (message: string): never => {
  process.stderr.write(`${message}\n${usage}`);
  process.exit(64);
};

const options = {
  list: { type: 'boolean', default: false },
  minutes: { type: 'string' },
  seconds: { type: 'string' },
  kills: { type: 'string' },
  seed: { type: 'string', default: '1' },
  patience: { type: 'string', default: '1' },
  root: { type: 'string' },
  keep: { type: 'string' },
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
} as const;

const readArguments = () => {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    return usageError((error as Error).message);
  }
};

const { values, positionals } = readArguments();

const numberOf = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) usageError(`--${name} must be a number above 0, not "${text}"`);
  return value;
};

/** With the pause behind it and the way back: so long the load goes on for each kill. */
const secondsOfKill = 5;

const secondsOf = ({ seconds, shortSeconds }: Scenario): number => {
  if (values.minutes !== undefined) return numberOf('minutes', values.minutes) * 60;
  if (values.kills !== undefined) return numberOf('kills', values.kills) * secondsOfKill;
  if (values.seconds !== undefined) return numberOf('seconds', values.seconds);
  return values.short ? (shortSeconds ?? seconds) : seconds;
};

const chosen = (): readonly Scenario[] => {
  if (positionals.length === 0) usageError('name a trial');
  if (positionals.includes('all')) return scenarios;
  return positionals.map(
    (name) => scenarios.find((each) => each.name === name) ?? usageError(`there is no trial "${name}"`),
  );
};

const main = async (): Promise<void> => {
  if (values.list) {
    for (const { name, seconds, promise } of scenarios)
      process.stdout.write(`${name.padEnd(28)} ${`${seconds} s`.padStart(7)}  ${promise}\n`);
    return;
  }
  for (const each of chosen()) {
    const verdict = await each.run({
      seconds: secondsOf(each),
      seed: numberOf('seed', values.seed),
      patience: numberOf('patience', values.patience),
      ...(values.kills === undefined ? {} : { kills: numberOf('kills', values.kills) }),
      ...(values.root === undefined ? {} : { root: values.root }),
      ...(values.keep === undefined ? {} : { keep: values.keep }),
    });
    process.stdout.write(values.json ? `${JSON.stringify(verdict)}\n` : verdictText(verdict));
    if (verdict.broken.length > 0) process.exitCode = 1;
  }
};

await main();
// Whoever was at work when a trial broke off is at it still.
process.exit();
