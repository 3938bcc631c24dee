import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

function copyOfPackage(...folders: string[]): string {
  const copy = mkdtempSync(join(tmpdir(), 'starlark-build-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  for (const folder of folders) cpSync(join(packageFolder, folder), join(copy, folder), { recursive: true });
  return copy;
}

function buildWithoutGo(folder: string) {
  const script = join(folder, 'scripts/build-wasm.mjs');
  return spawnSync(process.execPath, [script], { encoding: 'utf8', env: { PATH: folder } });
}

test('without Go the build stops and says what to install', () => {
  const { status, stderr } = buildWithoutGo(copyOfPackage('go', 'scripts'));
  expect(status).toBe(1);
  expect(stderr).toContain('apt-get install golang-go golang-starlark-dev');
  expect(stderr).toContain('brew install go');
});

test('what is built from the same sources needs no Go', () => {
  const { status, stderr } = buildWithoutGo(copyOfPackage('go', 'scripts', 'dist'));
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('the same sources give the same program, wherever they are built', { timeout: 240_000 }, () => {
  const copy = copyOfPackage('go', 'scripts');
  const script = join(copy, 'scripts/build-wasm.mjs');
  expect(spawnSync(process.execPath, [script], { encoding: 'utf8' })).toMatchObject({ status: 0 });
  const programOf = (folder: string) => readFileSync(join(folder, 'dist/starlark.wasm'));
  expect(programOf(copy).equals(programOf(packageFolder))).toBe(true);
});
