/** Everything that a trial needs: the real processes with the ledger's workers, a client, faults, and a place for findings. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, type ServiceName, startWorld, type World } from '@signalbox/testing';
import { type Client, createClient } from './client.js';
import { createFaults, type Faults } from './faults.js';
import { createSeeded, type Seeded } from './seeded.js';
import { createFindings, type Findings } from './verdict.js';
import { ledgerAgent, workflows } from './workflows.js';

export interface TrialOptions {
  /** How long the faults and the load last; what follows is the time that the platform needs to come to rest. */
  readonly seconds: number;
  readonly seed: number;
  /** Where a trial kills again and again: so often, however long that takes. Otherwise for as long as it lasts. */
  readonly kills?: number;
  /** The checkout under test, built; default this one. */
  readonly root?: string;
  /** Multiplies every wall-clock limit; above 1 on a machine that does other work, too. */
  readonly patience: number;
  /** Where the data folder and the logs of a trial go that has broken a promise; nowhere when absent. */
  readonly keep?: string;
}

export interface Stage {
  readonly options: TrialOptions;
  readonly world: World;
  readonly client: Client;
  readonly faults: Faults;
  readonly findings: Findings;
  readonly seeded: Seeded;
  readonly ledgerFile: string;
  readonly databaseFile: string;
  /** Waits until the condition holds; a broken promise, not an exception, when it does not in time. */
  within(
    seconds: number,
    promise: string,
    condition: () => unknown | Promise<unknown>,
    intervalMs?: number,
  ): Promise<boolean>;
  close(): Promise<void>;
}

export interface StageParts {
  readonly services?: readonly ServiceName[];
  /** Ledger workers by label, each with what it claims. */
  readonly workers?: Readonly<Record<string, 'worker' | 'agent'>>;
  readonly concurrency?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Three make a cluster. Default 1. */
  readonly natsServers?: 1 | 3;
}

const ledgerWorker = fileURLToPath(new URL('../dist/ledger-worker.js', import.meta.url));
export const allWorkers = { 'worker-1': 'worker', 'worker-2': 'worker', 'agent-1': 'agent' } as const;
/** A promise that is broken shall still be told, and not only that the test took too long. */
export const maxWaitFactor = 3;
const coreServices = ['orchestrator', 'approval-service', 'api'] as const;

export const openStage = async (options: TrialOptions, parts: StageParts = {}): Promise<Stage> => {
  const services = parts.services ?? coreServices;
  const world = await startWorld(services, {
    ...(options.root === undefined ? {} : { root: options.root }),
    ...(parts.natsServers === undefined ? {} : { natsServers: parts.natsServers }),
    env: { SIGNALBOX_LOG_LEVEL: 'warn', ...parts.env },
  });
  try {
    const faults = createFaults(world);
    for (const name of services) faults.manage(name, () => world.start(name));
    for (const label of world.nats.labels) faults.manage(label, () => world.nats.restart(label));
    const ledgerFile = join(world.dataDir, 'ledger.jsonl');
    for (const [label, target] of Object.entries(parts.workers ?? allWorkers)) {
      const start = () => startLedgerWorker(world, label, target, ledgerFile, parts.concurrency ?? 32);
      faults.manage(label, start);
      await start();
    }
    const findings = createFindings();
    const client = createClient(() => world.apiUrl);
    await putEverything(client);
    return {
      options,
      world,
      client,
      faults,
      findings,
      seeded: createSeeded(options.seed),
      ledgerFile,
      databaseFile: join(world.dataDir, 'orchestrator.sqlite'),
      within: async (seconds, promise, condition, intervalMs = 50) => {
        const timeoutMs = seconds * 1_000 * Math.min(options.patience, maxWaitFactor);
        try {
          await eventually(condition, { timeoutMs, intervalMs, describe: 'it has come true' });
          return true;
        } catch (error) {
          findings.broken(promise, String(error));
          return false;
        }
      },
      close: () => world.stop(),
    };
  } catch (error) {
    await world.stop();
    throw error;
  }
};

const startLedgerWorker = async (
  world: World,
  label: string,
  target: 'worker' | 'agent',
  ledgerFile: string,
  concurrency: number,
): Promise<void> => {
  const process = world.spawn(ledgerWorker, label, {
    ...world.loginOf(target === 'agent' ? 'agent-default' : 'step-worker'),
    CHAOS_LEDGER: ledgerFile,
    CHAOS_WORKER: label,
    CHAOS_TARGET: target,
    SIGNALBOX_WORKER_CONCURRENCY: String(concurrency),
  });
  await process.ready;
};

const maxSetUpTries = 6;

const putEverything = async (client: Client): Promise<void> => {
  const must = async (method: string, path: string, body: string): Promise<void> => {
    for (let count = 1; ; count += 1) {
      const answer = await client.request(method, path, { body });
      if (answer !== undefined && answer.status < 300) return;
      // On a busy machine the first answers of an api that has just begun take long. The same again changes nothing.
      const mayBeBusy = answer === undefined || answer.status === 503;
      if (!mayBeBusy || count === maxSetUpTries)
        throw new Error(`${method} ${path} answered ${JSON.stringify(answer)}`);
    }
  };
  await must('PUT', '/api/v1/agents/ledger', ledgerAgent);
  for (const source of Object.values(workflows)) await must('POST', '/api/v1/workflows', source);
};
