/** What the docs say that a trial or a test shows is shown by one that exists, and their links lead somewhere. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (page: string): string => readFileSync(join(root, page), 'utf8');
const listed = execFileSync(process.execPath, [`${root}chaos/dist/main.js`, '--list'], { encoding: 'utf8' });
const trials = new Set(listed.split('\n').flatMap((line) => line.split(' ')[0] || []));
const operations = readdirSync(join(root, 'docs/operations')).map((name) => `docs/operations/${name}`);

interface Proof {
  /** A trial, or the file of a test. */
  readonly name: string;
  /** Titles of tests, or parts of them. */
  readonly titles: readonly string[];
}

const isTest = (name: string): boolean => /\.test\.ts$/.test(name);
const quotedIn = (text: string): readonly string[] =>
  [...text.matchAll(/"([^"]+)"/g)].map(([, each = '']) => each);

/** A name, and what stands in quotes right behind it. */
const named = /`([\w./-]+)`((?:[,;]?(?:\s+and)?\s+"[^"]+")*)/g;

const lastCellsOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.endsWith('| shown by |'))
    .map((line) => line.split('|').at(-2) ?? '');

const proofsIn = (text: string): readonly Proof[] =>
  [...text.matchAll(named)].map(([, name = '', behind = '']) => ({ name, titles: quotedIn(behind) }));

/** `pnpm chaos one two`, and "the trials `one` and `two`". */
const trialsIn = (text: string): readonly string[] => {
  const commands = [...text.matchAll(/`pnpm chaos ([^`]+)`/g)].flatMap(([, names = '']) => names.split(' '));
  const told = [...text.matchAll(/trials? (`[\w/-]+`(?:(?:,|,? and)\s+`[\w/-]+`)*)/g)];
  return [
    ...commands.filter((word) => !/^(?:[-<\d].*|all|.*…)$/.test(word)),
    ...told.flatMap(([, names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)),
  ];
};

const titlesOf = (file: string): readonly string[] =>
  [...read(file).matchAll(/(?:\b(?:test|describe)(?:\.\w+)*|\))\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs)].map(
    ([, , title = '']) => title.replaceAll('\\', ''),
  );

const faultsOf = ({ name, titles }: Proof): readonly string[] => {
  if (!isTest(name)) return trials.has(name) ? [] : [`there is no trial ${name}`];
  if (!existsSync(join(root, name))) return [`there is no ${name}`];
  const there = titlesOf(name);
  return titles
    .filter((title) => !there.some((each) => each.includes(title)))
    .map((title) => `${name} has no test "${title}"`);
};

const crashes = (): string => {
  const page = read('docs/ARCHITECTURE.md');
  return page.slice(page.indexOf('### What a crash does'), page.indexOf('## The engine'));
};

test('each promise of the docs names trials and tests that there are', () => {
  const promises = lastCellsOf(read('docs/PROMISES.md')).flatMap(proofsIn);
  expect(promises.length).toBeGreaterThan(80);
  expect(promises.flatMap(faultsOf)).toEqual([]);
});

test('each line of the table of crashes does, and each trial is in one of the two', () => {
  const cells = lastCellsOf(crashes());
  expect(cells.length).toBeGreaterThan(20);
  expect(cells.filter((cell) => proofsIn(cell).length === 0)).toEqual([]);
  const proofs = cells.flatMap(proofsIn);
  expect(proofs.flatMap(faultsOf)).toEqual([]);
  const names = [...proofs, ...lastCellsOf(read('docs/PROMISES.md')).flatMap(proofsIn)].map(
    ({ name }) => name,
  );
  expect([...trials].filter((name) => !names.includes(name))).toEqual([]);
});

test('each page of operations does, and so does whatever else names a test or a trial', () => {
  const pages = [...operations, 'docs/ARCHITECTURE.md', 'docs/PROMISES.md', 'chaos/README.md'];
  const faults = pages.flatMap((page) => {
    const text = read(page);
    const tests = proofsIn(text).filter(({ name }) => isTest(name) && name.includes('/'));
    const told = trialsIn(text).map((name) => ({ name, titles: [] }));
    return [...tests, ...told].flatMap(faultsOf).map((fault) => `${page}: ${fault}`);
  });
  expect(faults).toEqual([]);
});

test('each trial is listed with a change that makes it fail, of files that there are', () => {
  const rows = read('chaos/RED.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const quoted = (cell = ''): readonly string[] =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, each = '']) => each);
  const names = rows.flatMap((row) => quoted(row.split('|')[1])).filter((name) => !name.startsWith('--'));
  expect([...names].sort()).toEqual([...trials].sort());
  const files = rows.flatMap((row) => quoted(row.split('|')[2])).filter((name) => /^\w+\/.*\.ts$/.test(name));
  expect(files.length).toBeGreaterThan(30);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

const anchorsOf = (page: string): readonly string[] =>
  [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );

test('the links of the pages for operators lead somewhere', () => {
  const pages = [
    ...operations,
    ...['README', 'deploy/README', 'chaos/README', 'docs/ARCHITECTURE', 'docs/PROMISES', 'docs/API'].map(
      (name) => `${name}.md`,
    ),
  ];
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(
      ([link, path = '', anchor]) => {
        const target = path === '' ? page : join(dirname(page), path);
        const isThere =
          existsSync(join(root, target)) && (anchor === undefined || anchorsOf(target).includes(anchor));
        return isThere ? [] : [`${page}: ${link}`];
      },
    ),
  );
  expect(broken).toEqual([]);
});
