import type { Connection, Publisher, Topology } from '@signalbox/messaging';

export interface TestBus {
  readonly url: string;
  readonly port: number;
  readonly connection: Connection;
  readonly publisher: Publisher;
  /** kill -9 of nats-server; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts nats-server again on the same store and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}
export declare function startTestBus(options?: { topology?: Topology }): Promise<TestBus>;

/** Polls until `condition` gives something other than false, null or undefined, and returns it. */
export declare function eventually<T>(
  condition: () => T | Promise<T>,
  options?: { timeoutMs?: number; intervalMs?: number; describe?: string | (() => string) },
): Promise<Exclude<T, false | null | undefined>>;

export interface SpawnedProcess {
  readonly pid: number;
  /** Resolves with the `ready` message; rejects when the process ends before. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Lines of standard output and standard error so far. */
  readonly lines: readonly string[];
  kill(signal?: NodeJS.Signals): void;
}
export declare function spawnProcess(options: {
  script: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}): SpawnedProcess;

export declare class VirtualClock {
  constructor(startAt?: number);
  /** Milliseconds since 1970. */
  now(): number;
  setTimer(at: number, callback: () => void): { cancel(): void };
  /** Runs due timers in order of their instants. */
  advance(byMs: number): void;
}
