/**
 * The whole platform as real processes on a folder of its own, each of which a test may kill, stop and start again.
 * Ports and the store stay the same over restarts, as they would in production.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';
import { freePort } from './free-ports.js';
import { type NatsServers, natsLabel, startNatsServers } from './nats-servers.js';
import { type ProcessEnd, type SpawnedProcess, spawnProcess } from './spawned-process.js';
import { createTestLogins } from './test-logins.js';

export type ServiceName = 'orchestrator' | 'step-worker' | 'agent' | 'approval-service' | 'api';

export type Environment = Readonly<Record<string, string>>;

export interface WorldOptions {
  /** The checkout whose processes are started, built; default this one. */
  readonly root?: string;
  /** For every process. */
  readonly env?: Environment;
  /** That have agents, besides that of `env`. */
  readonly workspaces?: readonly string[];
  /** Three make a cluster. Default 1. */
  readonly natsServers?: 1 | 3;
}

export interface World {
  readonly dataDir: string;
  readonly natsUrl: string;
  readonly apiUrl: string;
  /** The settings of a process that is this user of nats-server; without them a process may do everything. */
  loginOf(user: string): Environment;
  /** Starts a service under a label of its own (default: its name) and waits until it is ready. */
  start(name: ServiceName, label?: string, env?: Environment): Promise<SpawnedProcess>;
  /** Starts a program in the platform's environment, and does not wait for it. */
  spawn(script: string, label: string, env?: Environment, args?: readonly string[]): SpawnedProcess;
  processOf(label: string): SpawnedProcess;
  /** Every process that was started so far, the newest last. */
  readonly launched: readonly LaunchedProcess[];
  /** Also of nats-server. */
  pidOf(label: string): number;
  /** What is asked of the servers themselves, each under its label. */
  readonly nats: NatsServers;
  /** kill -9, then wait until it is gone. Also of a nats-server. */
  kill(label: string): Promise<void>;
  /** SIGTERM, then its exit. */
  stopOne(label: string): Promise<ProcessEnd>;
  /** SIGSTOP; `resume` lets it go on. Both for nats-server, too. */
  freeze(label: string): void;
  resume(label: string): void;
  killNats(): Promise<void>;
  restartNats(): Promise<void>;
  /** Removes the store of nats-server, which must be down. */
  wipeNats(): Promise<void>;
  /** An HTTP call to the api that must succeed. */
  call<T = unknown>(method: string, path: string, body?: unknown, actor?: string): Promise<T>;
  /** Of all processes that had this label, one after the other; of nats-server, too. */
  logsOf(label: string): string;
  stop(): Promise<void>;
}

export interface LaunchedProcess {
  readonly label: string;
  readonly process: SpawnedProcess;
  /** Undefined while it runs. */
  end: ProcessEnd | undefined;
  /** It was told to end, or killed. */
  wasEnded: boolean;
}

interface Running {
  readonly process: SpawnedProcess;
  readonly name: string;
}

const thisRoot = fileURLToPath(new URL('../../../', import.meta.url));
const stopGraceMs = 30_000;
const stopOrder = ['api', 'approval-service', 'agent', 'step-worker', 'orchestrator'];

export const startWorld = async (
  services: readonly ServiceName[],
  options: WorldOptions = {},
): Promise<World> => {
  const root = options.root ?? thisRoot;
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-world-'));
  const logins = createTestLogins([
    options.env?.SIGNALBOX_WORKSPACE ?? 'default',
    ...(options.workspaces ?? []),
  ]);
  const nats = await startNatsServers(dataDir, options.natsServers ?? 1, logins.server);
  const { url: natsUrl } = nats;
  const running = new Map<string, Running>();
  const launched: LaunchedProcess[] = [];
  let apiPort = String(await freePort());

  const launch = (
    name: string,
    script: string,
    label: string,
    env: Environment,
    args?: readonly string[],
  ) => {
    const process = spawnProcess({
      script,
      ...(args === undefined ? {} : { args }),
      env: {
        SIGNALBOX_NATS_URL: natsUrl,
        SIGNALBOX_DATA_DIR: dataDir,
        SIGNALBOX_LOG_LEVEL: 'info',
        SIGNALBOX_API_PORT: apiPort,
        ...options.env,
        ...env,
      },
    });
    running.set(label, { process, name });
    const one: LaunchedProcess = { label, process, end: undefined, wasEnded: false };
    launched.push(one);
    void process.exited.then((end) => {
      one.end = end;
    });
    return process;
  };

  const start: World['start'] = async (name, label = name, env = {}) => {
    const workspace = env.SIGNALBOX_WORKSPACE ?? options.env?.SIGNALBOX_WORKSPACE ?? 'default';
    const user = name === 'agent' ? `agent-${workspace}` : name;
    const own = { ...logins.envOf(user), ...env };
    const process = launch(name, join(root, 'apps', name, 'dist', 'main.js'), label, own);
    const announced = await process.ready;
    if (name === 'api') apiPort = new URL(String(announced.url)).port;
    return process;
  };

  const processOf = (label: string): SpawnedProcess => {
    const found = running.get(label);
    if (found === undefined) throw new Error(`no process ${label} was started`);
    return found.process;
  };
  const noteEnding = (label: string): void => {
    const last = launched.findLast((each) => each.label === label);
    if (last !== undefined && last.end === undefined) last.wasEnded = true;
  };
  const pidOf = (label: string): number =>
    nats.labels.includes(label) ? nats.pidOf(label) : processOf(label).pid;
  const signal = (label: string, name: NodeJS.Signals): void => {
    if (nats.labels.includes(label)) nats.signal(label, name);
    else processOf(label).kill(name);
  };
  const apiUrl = (): string => `http://127.0.0.1:${apiPort}`;

  const stop = async (): Promise<void> => {
    const names = new Set([...[...running.values()].map(({ name }) => name)]);
    const first = [...names].filter((name) => !stopOrder.includes(name));
    for (const name of [...first, ...stopOrder]) {
      const ofName = [...running.values()].filter((each) => each.name === name);
      await Promise.all(ofName.map(({ process }) => ended(process)));
    }
    await nats.stop();
    await rm(dataDir, { recursive: true, force: true });
  };

  try {
    await Promise.all(services.map((name) => start(name)));
    if (services.includes('api')) await untilReady(apiUrl());
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    dataDir,
    natsUrl,
    get apiUrl() {
      return apiUrl();
    },
    loginOf: logins.envOf,
    start,
    spawn: (script, label, env = {}, args) => launch(label, script, label, env, args),
    processOf,
    launched,
    pidOf,
    nats,
    kill: async (label) => {
      if (nats.labels.includes(label)) {
        await nats.kill(label);
        return;
      }
      noteEnding(label);
      processOf(label).kill('SIGKILL');
      await processOf(label).exited;
    },
    stopOne: (label) => {
      noteEnding(label);
      processOf(label).kill('SIGTERM');
      return processOf(label).exited;
    },
    freeze: (label) => signal(label, 'SIGSTOP'),
    resume: (label) => signal(label, 'SIGCONT'),
    killNats: () => nats.kill(natsLabel),
    restartNats: () => nats.restart(natsLabel),
    wipeNats: () => nats.wipe(),
    call: (method, path, body, actor = 'user:alice') => call(apiUrl(), method, path, body, actor),
    logsOf: (label) =>
      nats.labels.includes(label)
        ? nats.linesOf(label).join('\n')
        : launched
            .filter((each) => each.label === label)
            .flatMap(({ process }) => process.lines)
            .join('\n'),
    stop,
  };
};

const untilReady = (apiUrl: string): Promise<unknown> =>
  eventually(async () => (await fetch(`${apiUrl}/readyz`)).ok, { describe: 'the api is ready' });

/** In order when it can; a process that does not come to its end is killed. */
const ended = async (process: SpawnedProcess): Promise<void> => {
  process.kill('SIGCONT');
  process.kill('SIGTERM');
  const timer = setTimeout(() => process.kill('SIGKILL'), stopGraceMs);
  await process.exited;
  clearTimeout(timer);
};

const call = async <T>(
  url: string,
  method: string,
  path: string,
  body: unknown,
  actor: string,
): Promise<T> => {
  const isText = typeof body === 'string';
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      'x-signalbox-actor': actor,
      ...(body === undefined ? {} : { 'content-type': isText ? 'application/yaml' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
};
