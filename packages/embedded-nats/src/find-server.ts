/** Owns the search for a nats-server that is new enough, and what to tell the person who has none. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** The server generation with direct get and per-consumer settings that this project relies on. */
export const minServerVersion = '2.9.0';

/** Where Debian's package puts it; `/usr/sbin` is not on an ordinary user's PATH there. */
const packagePlaces = [
  '/usr/sbin/nats-server',
  '/usr/local/bin/nats-server',
  '/opt/homebrew/bin/nats-server',
];

const howToInstall =
  'Install it: `apt-get install nats-server` (Debian 12 or later, Ubuntu 23.04 or later), `brew install nats-server` (macOS), ' +
  'a release from https://github.com/nats-io/nats-server/releases, or run the image `nats:2 -js` and give its address in SIGNALBOX_NATS_URL. ' +
  'A binary in an unusual place is named by SIGNALBOX_NATS_SERVER.';

/** There is no server to be had; the message says why, and needs no stack. */
export class NatsServerError extends Error {
  override name = 'NatsServerError';
}

export class NatsServerNotFoundError extends NatsServerError {
  override name = 'NatsServerNotFoundError';
}

export interface NatsServerBinary {
  path: string;
  /** Without the leading `v`, such as `2.9.10`. */
  version: string;
}

/** The named binary and no other when `binary` is given; else the first on `PATH` or in a package's place. */
export async function findNatsServer(binary?: string): Promise<NatsServerBinary> {
  const path = binary ?? (await firstExecutable(candidates()));
  if (path === undefined)
    throw new NatsServerNotFoundError(
      `nats-server ${minServerVersion} or newer is needed and was not found. ${howToInstall}`,
    );
  const version = await versionOf(path);
  if (!isAtLeast(version, minServerVersion)) {
    throw new NatsServerNotFoundError(
      `${path} is version ${version}; ${minServerVersion} or newer is needed. ${howToInstall}`,
    );
  }
  return { path, version };
}

function candidates(): string[] {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...onPath.map((folder) => join(folder, 'nats-server')), ...packagePlaces];
}

async function firstExecutable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return path;
  }
  return undefined;
}

async function versionOf(path: string): Promise<string> {
  const output = await promisify(execFile)(path, ['--version']).catch((cause: unknown) => {
    throw new NatsServerNotFoundError(`${path} cannot be run as nats-server. ${howToInstall}`, { cause });
  });
  const version = /v?(\d+\.\d+\.\d+)/.exec(output.stdout)?.[1];
  if (version === undefined)
    throw new NatsServerNotFoundError(
      `${path} does not say its version as nats-server does. ${howToInstall}`,
    );
  return version;
}

function isAtLeast(version: string, floor: string): boolean {
  const [actual, wanted] = [version.split('.').map(Number), floor.split('.').map(Number)];
  for (const [index, part] of wanted.entries()) {
    const difference = (actual[index] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
