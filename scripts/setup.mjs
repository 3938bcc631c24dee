/**
 * Brings a fresh clone to the point where everything can run: prerequisites, dependencies, build.
 * Each step says what it does and is skipped when nothing has changed since it last succeeded.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePrerequisites } from './prerequisites.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const pnpm = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager;
const installMarker = join(root, 'node_modules', '.signalbox-installed');

const say = (line) => process.stderr.write(`[setup] ${line}\n`);

/** Node's own headers, where they are installed beside it: then the native module needs no download. */
const headersBesideNode = () => {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
};

/** Runs a program in the repository's root and stops the process with its exit code if it fails. */
export const run = (command, args, env = {}) => {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', ...env },
  });
  if (error !== undefined) say(`${command} could not be started: ${error.message}`);
  if (signal !== null) say(`${command} was ended by ${signal}`);
  if (status !== 0) process.exit(status ?? 1);
};

const runPnpm = (args, env) => run('npx', ['-y', pnpm, ...args], env);

const manifests = () => {
  const folders = ['apps', 'packages'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name)),
  );
  return [root, join(root, 'bench'), join(root, 'chaos'), ...folders]
    .map((folder) => join(folder, 'package.json'))
    .filter(existsSync);
};

const installedStamp = () => {
  const hash = createHash('sha256').update(process.versions.modules);
  for (const file of [join(root, 'pnpm-lock.yaml'), join(root, 'pnpm-workspace.yaml'), ...manifests()]) {
    hash.update(readFileSync(file));
  }
  return hash.digest('hex');
};

const installDependencies = () => {
  const stamp = installedStamp();
  if (existsSync(installMarker) && readFileSync(installMarker, 'utf8') === stamp) return;
  say('installing dependencies (the SQLite module is compiled on the first run; this takes a minute or two)');
  runPnpm(['install', '--frozen-lockfile', '--reporter=append-only'], headersBesideNode());
  writeFileSync(installMarker, stamp);
};

export const setUp = () => {
  try {
    ensurePrerequisites(say);
  } catch (error) {
    say(error.message);
    process.exit(1);
  }
  installDependencies();
  say('building');
  runPnpm(['exec', 'turbo', 'run', 'build', '--output-logs=new-only', '--log-order=stream']);
};
