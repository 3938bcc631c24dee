/** Streams and consumers that a process needs, also after a server has lost everything it had. */
import type { Logger } from '@signalbox/telemetry';
import type { Connection } from './connection.js';
import type { TransientError } from './errors.js';
import { pause } from './pause.js';
import { provision, type Topology } from './provision.js';

export interface KeepProvisionedOptions {
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly everyMs?: number;
}

export interface KeptProvisioned {
  /** Resolves after the signal has aborted; rejects with a defect. */
  readonly done: Promise<void>;
}

const defaultEveryMs = 5_000;

/**
 * Creates what is missing before it resolves, and from then on again and again: a server that comes back empty would
 * otherwise leave its clients waiting for ever for consumers that nobody makes. Differences are logged once.
 */
export const keepProvisioned = async (
  connection: Connection,
  topology: Topology,
  { signal, logger, everyMs = defaultEveryMs }: KeepProvisionedOptions,
): Promise<KeptProvisioned> => {
  const onWaiting = (error: TransientError): void =>
    logger.warn('the server does not take what is declared; trying again', { error });
  for (const drift of await provision(connection, topology, { signal, onWaiting })) {
    logger.warn('the server differs from what is declared', { ...drift });
  }
  const repeat = async (): Promise<void> => {
    for (await pause(everyMs, signal); !signal.aborted; await pause(everyMs, signal)) {
      await provision(connection, topology, { signal, onWaiting });
    }
  };
  return {
    done: repeat().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
  };
};
