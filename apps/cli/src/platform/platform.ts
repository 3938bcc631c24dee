/**
 * The whole platform on one machine: nats-server (unless an external one is given) and every service as a process
 * of its own. A service that dies is started again; what it held is redelivered.
 *
 * Stopping goes from the outside in: first what accepts work, then what does it, then the orchestrator, then NATS.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type EmbeddedNats, startEmbeddedNats } from '@signalbox/embedded-nats';
import type { CliConfig } from '../config.js';
import { type ServiceName, type ServiceProcess, serviceNames, startService } from './service-process.js';

const stopOrder: readonly ServiceName[] = ['api', 'approval-service', 'agent', 'step-worker', 'orchestrator'];
const stopGraceMs = 15_000;
/** A service that ends within this time of its start counts as failing. */
const quickEndMs = 5_000;
const maxQuickEndCount = 5;

export interface PlatformOptions {
  readonly config: CliConfig;
  readonly env: NodeJS.ProcessEnv;
  /** Folder of everything that is kept. */
  readonly dataDir: string;
  /** Of an external nats-server; without it one is started. */
  readonly natsUrl: string | undefined;
  /** Of the nats-server that is started; a free one when absent. */
  readonly natsPort?: number | undefined;
  readonly onLine: (source: ServiceName | 'nats' | 'dev', line: string) => void;
}

export interface Platform {
  readonly apiUrl: string;
  readonly natsUrl: string;
  /** Resolves with the reason when the platform cannot go on. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

export const startPlatform = async (options: PlatformOptions): Promise<Platform> => {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  const nats = options.natsUrl === undefined ? await startNats(dataDir, options) : undefined;
  const natsUrl = nats?.url ?? options.natsUrl ?? '';
  const fleet = createFleet(
    { ...options.env, SIGNALBOX_NATS_URL: natsUrl, SIGNALBOX_DATA_DIR: dataDir },
    options.onLine,
  );
  try {
    const announced = await Promise.all(serviceNames.map((name) => fleet.start(name)));
    const api = announced[serviceNames.indexOf('api')];
    return {
      apiUrl: String(api?.url ?? `http://${options.config.apiHost}:${options.config.apiPort}`),
      natsUrl,
      failed: Promise.race([fleet.failed, natsFailure(nats)]),
      stop: async () => {
        await fleet.stop();
        await nats?.stop();
      },
    };
  } catch (error) {
    await fleet.stop();
    await nats?.stop();
    throw error;
  }
};

const startNats = (dataDir: string, options: PlatformOptions): Promise<EmbeddedNats> =>
  startEmbeddedNats({
    storeDir: join(dataDir, 'nats'),
    ...(options.config.natsServer === undefined ? {} : { binary: options.config.natsServer }),
    ...(options.natsPort === undefined ? {} : { port: options.natsPort }),
    log: (line) => options.onLine('nats', line),
  });

const natsFailure = async (nats: EmbeddedNats | undefined): Promise<string> => {
  const exit = await (nats?.exited ?? new Promise<never>(() => undefined));
  return exit.isExpected ? new Promise<never>(() => undefined) : 'nats-server ended unexpectedly';
};

const createFleet = (env: NodeJS.ProcessEnv, onLine: PlatformOptions['onLine']) => {
  const running = new Map<ServiceName, ServiceProcess>();
  let isStopping = false;
  let reportFailure: (reason: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => {
    reportFailure = resolve;
  });

  const start = (name: ServiceName, quickEndCount = 0): Promise<Readonly<Record<string, unknown>>> => {
    const startedAt = performance.now();
    const service = startService(name, env, onLine);
    running.set(name, service);
    void service.exited.then(({ code, signal }) => {
      if (isStopping) return;
      const quick = performance.now() - startedAt < quickEndMs ? quickEndCount + 1 : 0;
      const how = signal ?? `exit code ${code}`;
      if (quick >= maxQuickEndCount) return reportFailure(`${name} ended ${quick} times in a row (${how})`);
      onLine('dev', `${name} ended (${how}); starting it again`);
      void start(name, quick).catch((error: Error) => onLine('dev', error.message));
    });
    return service.ready;
  };

  const stop = async (): Promise<void> => {
    isStopping = true;
    for (const name of stopOrder) await running.get(name)?.stop(stopGraceMs);
  };

  return { start, stop, failed };
};
