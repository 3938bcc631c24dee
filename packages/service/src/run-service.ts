/**
 * Owns the life of a process: settings, start, readiness, ordered shutdown, exit code.
 *
 * Exit codes: 0 after an ordered shutdown; 70 (EX_SOFTWARE) for anything unknown; 75 (EX_TEMPFAIL) when the grace
 * time ran out and the rest is left to redelivery, or when another process has what this one needs; 78 (EX_CONFIG) for
 * a bad setting, or stores that contradict one another; 128 + n at a second signal n.
 */
import { createLogger, type Logger, type LogLevel } from '@signalbox/telemetry';
import { CannotRun } from './cannot-run.js';
import { Scope } from './scope.js';
import { type Environment, SettingsError } from './settings.js';
import { tellWaits, type WaitFor } from './tell-waits.js';

export const exitCodes = { ok: 0, software: 70, graceExceeded: 75, badSetting: 78 } as const;

const defaultGraceMs = 20_000;
const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;

export interface ServiceContext<C> {
  readonly config: C;
  readonly logger: Logger;
  /** What is put here is closed in reverse order at the shutdown. */
  readonly scope: Scope;
  /** Aborts when the shutdown begins, also while `start` is still waiting for something. */
  readonly signal: AbortSignal;
  /** Ends the process as a failure; for the `done` promise of a loop: `consumption.done.catch(fail)`. */
  readonly fail: (error: unknown) => void;
  /** Says at info for what a start waits that takes long. */
  readonly waitFor: WaitFor;
}

export interface ServiceDefinition<C> {
  readonly name: string;
  readonly parseConfig: (env: Environment) => C;
  /** The service is ready when it resolves. What it returns goes into the `ready` log line and the message to the parent. */
  readonly start: (context: ServiceContext<C>) => Promise<Readonly<Record<string, unknown>> | undefined>;
  /** What an error that nobody handled means for an operator; undefined where it is unknown, as it is to all then. */
  readonly explain?: (error: unknown, config: C) => CannotRun | undefined;
  /** Time to close the scope. Default 20 s. */
  readonly graceMs?: number;
}

/** What a parent process receives over its IPC channel. */
export interface ReadyMessage {
  readonly type: 'ready';
  readonly service: string;
  readonly [detail: string]: unknown;
}

/** Runs the process until it is told to end, and ends it. */
export async function runService<C extends { readonly logLevel: LogLevel }>(
  definition: ServiceDefinition<C>,
): Promise<void> {
  // Whatever this process makes is for its owner alone.
  process.umask(0o077);
  const config = readConfig(definition);
  if (config === undefined) process.exit(exitCodes.badSetting);
  const logger = createLogger({ service: definition.name, level: config.logLevel });
  const scope = new Scope();
  const abort = new AbortController();
  const fail = (error: unknown): never => {
    const known = error instanceof CannotRun ? error : definition.explain?.(error, config);
    if (known !== undefined) {
      logger.error(known.message, { exit_code: known.exitCode });
      process.exit(known.exitCode);
    }
    logger.error('the process ends because of an error that it does not know', { error });
    process.exit(exitCodes.software);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  // Whoever reads the log may go first; that is no reason to end out of order.
  process.stdout.on('error', () => undefined);

  const shutDown = async (reason: string) => {
    if (abort.signal.aborted) return;
    logger.info('shutting down', { reason });
    setTimeout(() => {
      logger.error('the shutdown took too long; what is unfinished is left to redelivery');
      process.exit(exitCodes.graceExceeded);
    }, definition.graceMs ?? defaultGraceMs);
    abort.abort(new DOMException(reason, 'AbortError'));
    await started;
    await scope.close();
    logger.info('stopped');
    process.exit(exitCodes.ok);
  };
  listenForTheEnd(shutDown);
  if (isOrphan()) {
    logger.info('not started', { reason: 'parent gone' });
    process.exit(exitCodes.ok);
  }

  const { signal } = abort;
  const started = definition.start({ config, logger, scope, signal, fail, waitFor: tellWaits(logger) }).then(
    (details) => {
      if (!abort.signal.aborted) announce(definition.name, logger, details ?? {});
    },
    (error: unknown) => {
      // A start that was waiting for something rejects with the reason of the shutdown.
      if (!abort.signal.aborted) fail(error);
    },
  );
  await started;
}

function readConfig<C>(definition: ServiceDefinition<C>): C | undefined {
  try {
    return definition.parseConfig(process.env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const logger = createLogger({ service: definition.name, level: 'error' });
    for (const problem of error.problems) logger.error(`bad setting ${problem}`);
    return undefined;
  }
}

function announce(service: string, logger: Logger, details: Readonly<Record<string, unknown>>): void {
  logger.info('ready', { pid: process.pid, ...details });
  const message: ReadyMessage = { type: 'ready', service, pid: process.pid, ...details };
  if (process.connected) process.send?.(message);
}

/** A parent that died while this process was loading has closed its channel before anybody listened: nothing tells of it again. */
function isOrphan(): boolean {
  return process.send !== undefined && !process.connected;
}

function listenForTheEnd(shutDown: (reason: string) => Promise<void>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    let count = 0;
    process.on(signal, () => {
      count += 1;
      if (count > 1) process.exit(128 + signalNumbers[signal]);
      void shutDown(signal);
    });
  }
  // The parent is gone; nobody else would end this process.
  process.on('disconnect', () => void shutDown('parent gone'));
}
