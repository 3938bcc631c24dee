import type { Logger, LogLevel } from '@signalbox/telemetry';
import type { z } from 'zod';

export interface Setting<T> {
  readonly env: string;
  readonly description: string;
  readonly schema: z.ZodType<T, string | undefined>;
  readonly defaultText: string | undefined;
}
export type SettingsShape = Readonly<Record<string, Setting<unknown>>>;
export type SettingsOf<S extends SettingsShape> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};
export type Environment = Readonly<Record<string, string | undefined>>;
/** Every setting of every process; `config.ts` picks from it: `parseSettings({ natsUrl: settings.natsUrl }, env)`. */
export declare const settings: {
  readonly natsEmbedded: Setting<boolean>;
  readonly natsUrl: Setting<string>;
  readonly natsServer: Setting<string | undefined>;
  readonly dataDir: Setting<string>;
  readonly database: Setting<string | undefined>;
  readonly apiDatabase: Setting<string | undefined>;
  readonly apiHost: Setting<string>;
  readonly apiPort: Setting<number>;
  readonly workspace: Setting<string>;
  readonly workerConcurrency: Setting<number>;
  readonly logLevel: Setting<LogLevel>;
};
/** Names every bad setting at once. */
export declare class SettingsError extends Error {}
export declare function parseSettings<S extends SettingsShape>(shape: S, env: Environment): SettingsOf<S>;

export type Closer<T> = (resource: T) => Promise<void> | void;
/** Closes what was opened in it, in reverse order. */
export declare class Scope {
  /** `close` defaults to the resource's own `close()` or `stop()`. Returns the resource. */
  use<T extends { close(): unknown } | { stop(): unknown }>(resource: T): T;
  use<T>(resource: T, close: Closer<T>): T;
  close(): Promise<void>;
}

export interface ServiceContext<C> {
  readonly config: C;
  readonly logger: Logger;
  readonly scope: Scope;
  /** Aborts when the shutdown begins, also during the start. */
  readonly signal: AbortSignal;
}
export interface ServiceDefinition<C> {
  readonly name: string;
  readonly parseConfig: (env: Environment) => C;
  /** Opens everything in `scope`; the service is ready when it resolves. What it returns goes into the `ready` line and message. */
  readonly start: (context: ServiceContext<C>) => Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Time for closing the scope; default 20 s. */
  readonly graceMs?: number;
}
/** Runs the process to its end: never returns to a caller that would go on. Exit codes: 0, 70, 75, 78, 128 + signal. */
export declare function runService<C extends { readonly logLevel: LogLevel }>(
  definition: ServiceDefinition<C>,
): Promise<void>;
