/** Faults, each written down with its process id and times, because the auditor excuses some things that follow from them. */
import { setTimeout as delay } from 'node:timers/promises';
import { natsLabel, type World } from '@signalbox/testing';

export type FaultKind = 'kill' | 'freeze' | 'wipe';

export interface Fault {
  readonly kind: FaultKind;
  readonly label: string;
  readonly pid: number;
  readonly at: number;
  /** When it had struck for certain: of a kill, when the process was gone. */
  struckAt: number;
  /** When it was over: the process is there again, or goes on. */
  until: number;
}

export interface Faults {
  readonly all: readonly Fault[];
  /** A process that is started again after its death needs to be known here. */
  manage(label: string, start: () => Promise<unknown>): void;
  readonly labels: readonly string[];
  kill(...labels: readonly string[]): Promise<void>;
  /** Starts what was killed, all at once. */
  revive(...labels: readonly string[]): Promise<void>;
  killAndRevive(...labels: readonly string[]): Promise<void>;
  freeze(label: string, ms: number): Promise<void>;
  /**
   * Kills nats-server, removes its store (or does something else to it), and starts it again. `orchestrator` goes down
   * first and comes after, if told so.
   */
  wipe(options?: {
    readonly alsoDown?: readonly string[];
    readonly instead?: () => Promise<void>;
  }): Promise<void>;
}

export const createFaults = (world: World): Faults => {
  const all: Fault[] = [];
  const starters = new Map<string, () => Promise<unknown>>();
  const begin = (kind: FaultKind, label: string): Fault => {
    const fault: Fault = {
      kind,
      label,
      pid: world.pidOf(label),
      at: Date.now(),
      struckAt: Number.POSITIVE_INFINITY,
      until: Number.POSITIVE_INFINITY,
    };
    all.push(fault);
    return fault;
  };
  const kill: Faults['kill'] = async (...labels) => {
    const begun = labels.map((label) => begin('kill', label));
    await Promise.all(
      begun.map(async (fault) => {
        await world.kill(fault.label);
        fault.struckAt = Date.now();
      }),
    );
  };
  const startOf = (label: string): Promise<unknown> => {
    const start = starters.get(label);
    if (start === undefined) throw new Error(`nobody knows how to start ${label}`);
    return start();
  };
  const revive: Faults['revive'] = async (...labels) => {
    const isServer = (label: string): boolean => world.nats.labels.includes(label);
    await Promise.all(labels.filter(isServer).map((label) => world.nats.restart(label)));
    await Promise.all(labels.filter((label) => !isServer(label)).map(startOf));
    for (const fault of all)
      if (labels.includes(fault.label)) fault.until = Math.min(fault.until, Date.now());
  };
  return {
    all,
    manage: (label, start) => void starters.set(label, start),
    get labels() {
      return [...starters.keys()];
    },
    kill,
    revive,
    killAndRevive: async (...labels) => {
      await kill(...labels);
      await revive(...labels);
    },
    freeze: async (label, ms) => {
      const fault = begin('freeze', label);
      world.freeze(label);
      fault.struckAt = Date.now();
      await delay(ms);
      world.resume(label);
      fault.until = Date.now();
    },
    wipe: async ({ alsoDown = [], instead = () => world.wipeNats() } = {}) => {
      await kill(...alsoDown, natsLabel);
      const fault = begin('wipe', natsLabel);
      await instead();
      fault.struckAt = Date.now();
      await revive(natsLabel, ...alsoDown);
      fault.until = Date.now();
    },
  };
};
