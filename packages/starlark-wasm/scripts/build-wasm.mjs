/**
 * Builds `dist/starlark.wasm` and copies the `wasm_exec.js` of the same Go toolchain beside it.
 *
 * Two ways give the same program: Debian's golang-starlark-dev in GOPATH mode, and go.mod, which names the commit
 * that Debian ships. Nothing is done when neither the sources, this script nor the toolchain has changed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { limitModule } from './limit-module.mjs';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const sources = join(packageFolder, 'go');
const dist = join(packageFolder, 'dist');
const wasmFile = join(dist, 'starlark.wasm');
const execFile = join(dist, 'wasm_exec.js');
const stampFile = join(dist, 'starlark.wasm.inputs');
const debianGopath = '/usr/share/gocode';

/** 64 MiB for an expression, and the 19 MiB that the Go runtime and the interpreter hold before the first one. */
const maxPages = (64 + 19) * 16;

const goMissing = `Building Starlark needs the Go toolchain (1.19 or newer), and "go" was not found. Install it:
  Debian, Ubuntu:  apt-get install golang-go golang-starlark-dev
  macOS:           brew install go
  elsewhere:       https://go.dev/doc/install`;

const libraryMissing = `Building Starlark needs the Go library go.starlark.net, and it could not be built. Install it:
  Debian, Ubuntu:  apt-get install golang-starlark-dev
  elsewhere:       make sure that "go" can download modules (network, GOPROXY), then build again`;

function main() {
  const toolchain = findToolchain();
  const hash = inputsHash();
  // What was built elsewhere from these sources (a cache, an image) needs no toolchain here.
  if (toolchain === undefined && builtFrom()?.startsWith(hash)) return;
  if (toolchain === undefined) stop(goMissing);
  const way = existsSync(join(debianGopath, 'src/go.starlark.net/starlark')) ? 'gopath' : 'modules';
  const stamp = `${hash} ${toolchain.version} ${way}`;
  if (builtFrom() === stamp) return;
  mkdirSync(dist, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'signalbox-starlark-'));
  try {
    const built = join(scratch, 'starlark.wasm');
    compile(way, scratch, built);
    writeFileSync(wasmFile, limitModule(readFileSync(built), maxPages));
    copyFileSync(findWasmExec(toolchain.root), execFile);
    writeFileSync(stampFile, stamp);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function findToolchain() {
  const result = spawnSync('go', ['env', 'GOROOT', 'GOVERSION'], {
    encoding: 'utf8',
    env: { ...process.env, GO111MODULE: 'off' },
  });
  if (result.status !== 0) return undefined;
  const [root = '', version = ''] = result.stdout.trim().split('\n');
  return { root, version };
}

/** The stamp of what is built already, if it is all there. */
function builtFrom() {
  const isThere = [wasmFile, execFile, stampFile].every((file) => existsSync(file));
  return isThere ? readFileSync(stampFile, 'utf8') : undefined;
}

function inputsHash() {
  const hash = createHash('sha256');
  for (const folder of [sources, join(packageFolder, 'scripts')]) {
    for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}

function compile(way, scratch, out) {
  const target = { ...process.env, GOOS: 'js', GOARCH: 'wasm', GOFLAGS: '', GOWORK: 'off' };
  const args = ['build', '-trimpath', '-ldflags=-s -w', '-o', out];
  // go.mod is rewritten by a build (the commit becomes a version), so the checkout is not built in place. The path
  // within GOPATH is part of the program: the same each time, so that the same sources give the same bytes.
  const folder = join(scratch, 'src/signalbox/starlark');
  cpSync(sources, folder, { recursive: true });
  try {
    if (way === 'gopath') {
      const env = { ...target, GO111MODULE: 'off', GOPATH: [scratch, debianGopath].join(delimiter) };
      execFileSync('go', [...args, '.'], { cwd: folder, env, stdio: 'inherit' });
    } else {
      const env = { ...target, GO111MODULE: 'on' };
      execFileSync('go', [...args, '-mod=mod', '.'], { cwd: folder, env, stdio: 'inherit' });
    }
  } catch (error) {
    stop(`${libraryMissing}\n(${error.message})`);
  }
}

function findWasmExec(root) {
  const places = [join(root, 'lib/wasm/wasm_exec.js'), join(root, 'misc/wasm/wasm_exec.js')];
  const found = places.find((place) => existsSync(place));
  if (found === undefined)
    stop(`The Go toolchain at ${root} has no wasm_exec.js (looked for ${places.join(', ')}).`);
  return found;
}

function stop(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

main();
