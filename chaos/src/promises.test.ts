/** What the docs say that a trial or a test shows is shown by one that exists. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const listed = execFileSync(process.execPath, [`${root}chaos/dist/main.js`, '--list'], { encoding: 'utf8' });
const trials = new Set(listed.split('\n').flatMap((line) => line.split(' ')[0] || []));

const lastCellsOf = (page: string): string[] =>
  readFileSync(`${root}${page}`, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| promise') && !line.startsWith('| killed'))
    .map((line) => line.split('|').at(-2) ?? '');

const proofsIn = (page: string): { readonly name: string; readonly quoted: string | undefined }[] =>
  lastCellsOf(page).flatMap((cell) =>
    [...cell.matchAll(/`([\w./-]+)`(?: "([^"]+)")?/g)].map(([, name = '', quoted]) => ({ name, quoted })),
  );

const faultOf = ({ name, quoted }: { name: string; quoted: string | undefined }): string | undefined => {
  if (!name.endsWith('.test.ts')) return trials.has(name) ? undefined : `there is no trial ${name}`;
  if (!existsSync(`${root}${name}`)) return `there is no ${name}`;
  const isThere = quoted === undefined || readFileSync(`${root}${name}`, 'utf8').includes(quoted);
  return isThere ? undefined : `${name} has no test "${quoted}"`;
};

test('each promise of the docs names trials and tests that there are', () => {
  const promises = proofsIn('docs/PROMISES.md');
  expect(promises.length).toBeGreaterThan(80);
  expect(promises.flatMap((proof) => faultOf(proof) ?? [])).toEqual([]);
});

test('each line of the table of crashes does, and each trial of a crash is in it', () => {
  const page = readFileSync(`${root}docs/ARCHITECTURE.md`, 'utf8');
  const section = page.slice(page.indexOf('### What a crash does'), page.indexOf('## The engine'));
  const named = [...section.matchAll(/`([\w./-]+)`/g)].map(([, name]) => name ?? '');
  const files = named.filter((name) => name.endsWith('.test.ts'));
  expect(files.filter((name) => !existsSync(`${root}${name}`))).toEqual([]);
  const others = ['docs/PROMISES.md'].flatMap(proofsIn).map(({ name }) => name);
  const isNamed = (name: string): boolean => named.includes(name) || others.includes(name);
  expect([...trials].filter((name) => !isNamed(name))).toEqual([]);
});
