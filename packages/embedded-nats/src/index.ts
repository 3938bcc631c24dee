/** Bytes, milliseconds. `port` restarts on a known port; otherwise a free one is taken. */
export interface EmbeddedNatsOptions {
  /** Holds the JetStream files and the generated configuration; created when absent. */
  storeDir: string;
  /** Path of nats-server; otherwise `PATH`, then the place where Debian's package puts it. */
  binary?: string;
  port?: number;
  /** Receives each line of the server's log. */
  log?: (line: string) => void;
  /** Bytes; the server's default is 1 MiB. */
  maxPayload?: number;
  startTimeoutMs?: number;
  stopGraceMs?: number;
}

export interface NatsServerExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** True when `stop()` asked for it. */
  isExpected: boolean;
}

export interface EmbeddedNats {
  readonly url: string;
  readonly port: number;
  /** The process id of nats-server itself. */
  readonly pid: number;
  readonly version: string;
  /** Resolves (never rejects) when the server has ended, for whatever reason. */
  readonly exited: Promise<NatsServerExit>;
  stop(): Promise<void>;
}

export declare class NatsServerNotFoundError extends Error {}
export declare class NatsServerStartError extends Error {}
export declare function findNatsServer(binary?: string): Promise<{ path: string; version: string }>;
export declare function startEmbeddedNats(options: EmbeddedNatsOptions): Promise<EmbeddedNats>;
