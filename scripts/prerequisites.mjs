/**
 * Finds or installs what the platform needs besides Node and npm: nats-server, the Go toolchain (it compiles the
 * Starlark interpreter), and a C++ tool chain for SQLite's native module.
 * As root on Debian it installs through apt; elsewhere it stops and says exactly what to install.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const onPath = (program) =>
  (process.env.PATH ?? '').split(':').some((folder) => folder !== '' && existsSync(`${folder}/${program}`));

const natsServerIsThere = () =>
  (process.env.SIGNALBOX_NATS_SERVER !== undefined && existsSync(process.env.SIGNALBOX_NATS_SERVER)) ||
  onPath('nats-server') ||
  existsSync('/usr/sbin/nats-server');

const needs = [
  { what: 'nats-server 2.9 or newer', found: natsServerIsThere, apt: ['nats-server'], brew: 'nats-server' },
  { what: 'the Go toolchain 1.19 or newer', found: () => onPath('go'), apt: ['golang-go'], brew: 'go' },
  {
    what: 'the source of starlark-go',
    found: () => !isDebian() || existsSync('/usr/share/gocode/src/go.starlark.net'),
    apt: ['golang-starlark-dev'],
    brew: null,
  },
  {
    what: 'python3, make and a C++ compiler',
    found: () => onPath('python3') && onPath('make') && (onPath('g++') || onPath('c++')),
    apt: ['python3', 'make', 'g++'],
    brew: null,
    mac: 'xcode-select --install',
  },
  {
    what: 'openssl (certificates of a test)',
    found: () => onPath('openssl'),
    apt: ['openssl'],
    brew: 'openssl',
  },
];

const isDebian = () =>
  existsSync('/etc/os-release') &&
  /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));

const apt = (args) => {
  const { status, error } = spawnSync('apt-get', args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (error !== undefined || status !== 0) {
    throw new Error(`apt-get ${args.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}`);
  }
};

const refuseOldNode = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Node ${process.versions.node} is too old: install Node 20.19 or newer`);
  }
};

const advice = (missing) => {
  const packages = missing.flatMap((need) => need.apt).join(' ');
  const formulas = missing.flatMap((need) => need.brew ?? []).join(' ');
  const lines = [
    `missing: ${missing.map((need) => need.what).join('; ')}`,
    `  Debian or Ubuntu:  apt-get install ${packages}   (as root this script does it itself)`,
  ];
  if (formulas !== '') lines.push(`  macOS:             brew install ${formulas}`);
  for (const need of missing) if (need.mac !== undefined) lines.push(`  macOS:             ${need.mac}`);
  lines.push(
    '  a container:       start from a Debian image with Node 20.19+ and run the same command as root',
  );
  return lines.join('\n');
};

export const ensurePrerequisites = (say) => {
  refuseOldNode();
  const missing = needs.filter((need) => !need.found());
  if (missing.length === 0) return;
  if (!isDebian() || process.getuid?.() !== 0) throw new Error(advice(missing));
  say(`installing ${missing.map((need) => need.what).join('; ')} through apt`);
  apt(['update', '-qq']);
  apt(['install', '-y', '-qq', '--no-install-recommends', ...missing.flatMap((need) => need.apt)]);
  const still = needs.filter((need) => !need.found());
  if (still.length > 0) throw new Error(advice(still));
};
