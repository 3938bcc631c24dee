/**
 * The whole platform on one machine: nats-server (unless an external one is given) and every service as a process
 * of its own. What dies is started again, sooner or later; what it held is redelivered.
 *
 * Nothing is touched before this process has the lock of the data folder.
 *
 * Stopping goes from the outside in: first what accepts work, then what does it, then the orchestrator, then NATS.
 */
import { join, resolve } from 'node:path';
import { type Lock, openDataFolder, takeLock } from '@signalbox/data-folder';
import {
  type EmbeddedNats,
  issueLogins,
  type ServerLogin,
  startEmbeddedNats,
} from '@signalbox/embedded-nats';
import { busUsers, busUsersFor } from '@signalbox/protocol';
import { CannotRun } from '@signalbox/service';
import type { CliConfig } from '../config.js';
import { canListen } from './preferred-port.js';
import { noQuickEnds, type QuickEnds } from './quick-ends.js';
import { type ServiceName, type ServiceProcess, serviceNames, startService } from './service-process.js';
import { superviseNats } from './supervised-nats.js';
import { writeTapLogin } from './tap-login.js';

const stopOrder: readonly ServiceName[] = ['api', 'approval-service', 'agent', 'step-worker', 'orchestrator'];
const stopGraceMs = 15_000;

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
  // What every process of this platform makes is for its owner alone.
  process.umask(0o077);
  const lock = takeLock(join(dataDir, 'dev.lock'), `another signalbox dev has the data folder ${dataDir}`);
  try {
    openDataFolder(dataDir);
    await requireFreePort(options);
    return await startAll(dataDir, options, lock);
  } catch (error) {
    lock.close();
    throw error;
  }
};

const startAll = async (dataDir: string, options: PlatformOptions, lock: Lock): Promise<Platform> => {
  const logins = issueLogins(busUsersFor([options.config.workspace]));
  const nats =
    options.natsUrl === undefined
      ? await superviseNats(startNats(dataDir, options, logins), options.onLine)
      : undefined;
  const natsUrl = nats?.url ?? options.natsUrl ?? '';
  const env = { ...options.env, SIGNALBOX_NATS_URL: natsUrl, SIGNALBOX_DATA_DIR: dataDir };
  const envOf = (name: ServiceName): NodeJS.ProcessEnv =>
    nats === undefined ? env : { ...env, ...loginOf(name, options.config.workspace, logins) };
  if (nats !== undefined) await writeTapLogin(dataDir, natsUrl, logins);
  const fleet = createFleet(envOf, options.onLine);
  try {
    const announced = await Promise.all(serviceNames.map((name) => fleet.start(name)));
    const api = announced[serviceNames.indexOf('api')];
    return {
      apiUrl: String(api?.url ?? `http://${options.config.apiHost}:${options.config.apiPort}`),
      natsUrl,
      failed: Promise.race([fleet.failed, ...(nats === undefined ? [] : [nats.failed])]),
      stop: async () => {
        await fleet.stop();
        await nats?.stop();
        lock.close();
      },
    };
  } catch (error) {
    await fleet.stop();
    await nats?.stop();
    throw error;
  }
};

/** In the environment of the one process that it is for: an argument would be seen by everybody on the machine. */
const loginOf = (
  name: ServiceName,
  workspace: string,
  logins: readonly ServerLogin[],
): Readonly<Record<string, string | undefined>> => {
  const user = name === 'agent' ? busUsers.agent(workspace).name : name;
  return {
    SIGNALBOX_NATS_USER: user,
    SIGNALBOX_NATS_PASSWORD: logins.find((login) => login.name === user)?.password,
    SIGNALBOX_NATS_CREDS: undefined,
  };
};

/** Starts a nats-server on a port, or on a free one. */
const startNats =
  (dataDir: string, options: PlatformOptions, logins: readonly ServerLogin[]) =>
  (port: number | undefined): Promise<EmbeddedNats> =>
    startEmbeddedNats({
      storeDir: join(dataDir, 'nats'),
      logins,
      ...(options.config.natsServer === undefined ? {} : { binary: options.config.natsServer }),
      ...((port ?? options.natsPort) === undefined ? {} : { port: (port ?? options.natsPort) as number }),
      log: (line) => options.onLine('nats', line),
    });

/** Said before anything is started: the api would say it late, amid the lines of others. */
const requireFreePort = async ({ config, env }: PlatformOptions): Promise<void> => {
  const { apiHost } = config;
  const apiPort = Number(env.SIGNALBOX_API_PORT ?? config.apiPort);
  if (apiPort === 0 || (await canListen(apiPort, apiHost))) return;
  throw new CannotRun(
    75,
    `port ${apiPort} of ${apiHost} is taken: end who has it, or name another in SIGNALBOX_API_PORT`,
  );
};

const createFleet = (envOf: (name: ServiceName) => NodeJS.ProcessEnv, onLine: PlatformOptions['onLine']) => {
  const running = new Map<ServiceName, ServiceProcess>();
  let isStopping = false;
  let reportFailure: (reason: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => {
    reportFailure = resolve;
  });

  const start = (
    name: ServiceName,
    ends: QuickEnds = noQuickEnds(),
  ): Promise<Readonly<Record<string, unknown>>> => {
    const service = startService(name, envOf(name), onLine);
    running.set(name, service);
    ends.begin();
    void service.exited.then(({ code, signal }) => {
      if (isStopping) return;
      const how = signal ?? `exit code ${code}`;
      const delayMs = ends.count();
      if (delayMs === undefined) return reportFailure(`${name} ended again and again (${how})`);
      onLine('dev', `${name} ended (${how}); starting it again`);
      setTimeout(() => {
        if (!isStopping) void start(name, ends).catch((error: Error) => onLine('dev', error.message));
      }, delayMs);
    });
    return service.ready;
  };

  const stop = async (): Promise<void> => {
    isStopping = true;
    for (const name of stopOrder) await running.get(name)?.stop(stopGraceMs);
  };

  return { start, stop, failed };
};
