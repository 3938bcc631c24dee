import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type SameFileWatch, watchSameFile } from '../src/same-file.js';

let folder: string;
let file: string;
let said: string[];
let watch: SameFileWatch;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-same-file-'));
  file = join(folder, 'data.sqlite');
  writeFileSync(file, 'first');
  said = [];
  watch = watchSameFile(file, ({ message }) => said.push(message), 5);
});
afterEach(() => {
  watch.close();
  rmSync(folder, { recursive: true });
});

const isSaid = () => expect.poll(() => said.length).toBeGreaterThan(0);

test('a file that is written to is the same file', async () => {
  writeFileSync(file, 'second');
  const other = join(folder, 'other.sqlite');
  writeFileSync(other, '');
  const ended: string[] = [];
  const another = watchSameFile(other, ({ message }) => ended.push(message), 5);
  rmSync(other);
  // The other one was looked at after this one was written to, and so was this one.
  await expect.poll(() => ended.length).toBe(1);
  another.close();
  expect(said).toEqual([]);
});

test('one that is removed is told once', async () => {
  rmSync(file);
  await isSaid();
  expect(said).toEqual([
    expect.stringContaining(`${file} is not the file any more that this process has open`),
  ]);
});

test('one that is replaced is told', async () => {
  const copy = join(folder, 'copy.sqlite');
  writeFileSync(copy, 'first');
  renameSync(copy, file);
  await isSaid();
  expect(said[0]).toContain(`${file} is not the file any more`);
});
