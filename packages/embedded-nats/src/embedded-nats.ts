/**
 * Owns one nats-server with file-backed JetStream on the loopback interface, for local development and tests.
 * The server chooses its own free port and writes it to a file, so no other process can take it in between.
 */
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findNatsServer, NatsServerError } from './find-server.js';
import { renderAccounts, type ServerLogin } from './server-users.js';
import { type ProcessExit, startWatchedProcess, type WatchedProcess } from './watched-process.js';

const host = '127.0.0.1';
/** Last lines of the log shown when the server does not come up. */
const maxShownLogLines = 10;

export interface EmbeddedNatsOptions {
  /** Holds the JetStream files and the generated configuration; created when absent. One server at a time. */
  storeDir: string;
  /** Path of nats-server; otherwise `PATH`, then the place where a package puts it. */
  binary?: string;
  /** A free one unless given. */
  port?: number;
  /** Who may connect; everybody, with all rights, when absent. */
  logins?: readonly ServerLogin[];
  /** Of `logins`: the one that a client without a password is. For tests only. */
  anonymous?: string;
  /** Files in PEM; the server then takes only clients whose certificate this CA has signed. */
  tls?: { readonly cert: string; readonly key: string; readonly ca: string };
  /** Receives each line of the server's log. */
  log?: (line: string) => void;
  /** Bytes; the server's default is 1 MiB. */
  maxPayload?: number;
  /** Default 30 s: a large store takes a while to be read. */
  startTimeoutMs?: number;
  /** Time between SIGTERM and SIGKILL. Default 10 s. */
  stopGraceMs?: number;
  /** Further lines of its configuration. */
  settings?: readonly string[];
  /** Makes it a member of a cluster. */
  cluster?: ClusterMembership;
}

export interface ClusterMembership {
  /** Of the cluster. */
  name: string;
  /** Of this server, and of no other in the cluster. */
  serverName: string;
  /** Where the other members reach this one. */
  port: number;
  /** Where the members are reached; this one may be among them. */
  memberPorts: readonly number[];
  /** Where the state of streams and consumers can be read over HTTP. */
  monitoringPort: number;
}

export interface NatsServerExit extends ProcessExit {
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
  /** Sends the signal to the server, and to nobody when it has ended: its number may be another process's by then. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the server is gone. May be called again. */
  stop(): Promise<void>;
}

export class NatsServerStartError extends NatsServerError {
  override name = 'NatsServerStartError';
}

/** Resolves when the server answers. Throws `NatsServerNotFoundError` or `NatsServerStartError`; leaves no process then. */
export async function startEmbeddedNats(options: EmbeddedNatsOptions): Promise<EmbeddedNats> {
  const binary = await findNatsServer(options.binary);
  const storeDir = resolve(options.storeDir);
  const configFile = await prepareStore(storeDir, options).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NatsServerStartError(`the store of nats-server cannot be made: ${reason}`, { cause });
  });
  const lastLines: string[] = [];
  const server = await startWatchedProcess({
    command: binary.path,
    args: ['--config', configFile],
    orphanGraceSeconds: 5,
    onLine: (line) => {
      lastLines.push(line);
      if (lastLines.length > maxShownLogLines) lastLines.shift();
      options.log?.(line);
    },
  });

  let isStopping = false;
  const exited = server.exited.then((exit) => ({ ...exit, isExpected: isStopping }));
  const stop = async () => {
    isStopping = true;
    await endProcess(server, options.stopGraceMs ?? 10_000);
  };
  const abort = new AbortController();
  try {
    const port = await Promise.race([
      waitUntilReady(storeDir, server.pid, options.startTimeoutMs ?? 30_000, abort.signal),
      exited.then((exit) => {
        throw new NatsServerStartError(`nats-server ended at once (${exit.signal ?? exit.code})`);
      }),
    ]);
    const { pid, kill } = server;
    return { url: `nats://${host}:${port}`, port, pid, version: binary.version, exited, kill, stop };
  } catch (cause) {
    await stop();
    const log = lastLines.join('\n');
    throw new NatsServerStartError(`nats-server did not come up in ${storeDir}; it said:\n${log}`, { cause });
  } finally {
    abort.abort();
  }
}

async function prepareStore(storeDir: string, options: EmbeddedNatsOptions): Promise<string> {
  await mkdir(storeDir, { recursive: true, mode: 0o700 });
  await closeToOthers(storeDir);
  // A ports file left by a killed server would be mistaken for ours if its process id came round again.
  for (const name of await readdir(storeDir)) if (name.endsWith('.ports')) await rm(join(storeDir, name));
  const configFile = join(storeDir, 'nats-server.conf');
  const lines = [
    '# Generated at each start; changes are lost.',
    `listen: "${host}:${options.port ?? -1}"`,
    `ports_file_dir: ${JSON.stringify(storeDir)}`,
    ...(options.maxPayload === undefined ? [] : [`max_payload: ${options.maxPayload}`]),
    `jetstream { store_dir: ${JSON.stringify(storeDir)} }`,
    ...authorization(options),
    ...encryption(options),
    ...(options.settings ?? []),
    ...(options.cluster === undefined ? [] : membership(options.cluster)),
  ];
  await writeFile(configFile, `${lines.join('\n')}\n`, { mode: 0o600 });
  return configFile;
}

function authorization({ logins, anonymous }: EmbeddedNatsOptions): string[] {
  if (logins === undefined) return [];
  return [
    ...(anonymous === undefined ? [] : [`no_auth_user: ${JSON.stringify(anonymous)}`]),
    renderAccounts(logins, ({ password }) => JSON.stringify(password)),
  ];
}

function encryption({ tls }: EmbeddedNatsOptions): string[] {
  if (tls === undefined) return [];
  const files = (['cert', 'key', 'ca'] as const).map((name) => `${name}_file: ${JSON.stringify(tls[name])}`);
  return [`tls { ${files.join(', ')}, verify: true }`];
}

function membership({ name, serverName, port, memberPorts, monitoringPort }: ClusterMembership): string[] {
  const routes = memberPorts.map((each) => `"nats://${host}:${each}"`).join(', ');
  return [
    `server_name: ${JSON.stringify(serverName)}`,
    `http: "${host}:${monitoringPort}"`,
    `cluster { name: ${JSON.stringify(name)}, listen: "${host}:${port}", routes: [${routes}] }`,
  ];
}

/** The store of a former server may have been made with wider rights. */
async function closeToOthers(folder: string): Promise<void> {
  await narrow(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await narrow(path, 0o700);
    else if (entry.isFile()) await narrow(path, 0o600);
  }
}

async function narrow(path: string, mode: number): Promise<void> {
  const { mode: current } = await stat(path);
  if ((current & 0o077) !== 0) await chmod(path, mode);
}

/** Resolves with the port once the server has written it down and greets a client. */
async function waitUntilReady(
  storeDir: string,
  pid: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<number> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline && !signal.aborted) {
    const port = await readPort(storeDir, pid);
    if (port !== undefined && (await greets(port))) return port;
    await delay(10);
  }
  throw new NatsServerStartError(`nats-server did not answer within ${timeoutMs} ms`);
}

async function readPort(storeDir: string, pid: number): Promise<number | undefined> {
  const name = (await readdir(storeDir)).find((file) => file.endsWith(`_${pid}.ports`));
  if (name === undefined) return undefined;
  const text = await readFile(join(storeDir, name), 'utf8');
  const port = /"(?:nats|tls):\/\/[^"]*:(\d+)"/.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolveGreeting) => {
    const socket = connect(port, host);
    const answer = (isGreeted: boolean) => {
      socket.destroy();
      resolveGreeting(isGreeted);
    };
    socket.once('data', (chunk) => answer(chunk.toString().startsWith('INFO ')));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
  });
}

async function endProcess(server: WatchedProcess, graceMs: number): Promise<void> {
  server.kill('SIGTERM');
  const timer = setTimeout(() => server.kill('SIGKILL'), graceMs);
  await server.exited;
  clearTimeout(timer);
}
