/** The pages for operators quote what the programs print, and say something of all that they print at `warn` and `error`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'docs/operations');
const pages = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
const page = (name: string): string => pages.find((each) => each.name === name)?.text ?? '';

/** A text that is put together over several lines is one, and a quote inside a text does not end it. */
const asPrinted = (source: string): string =>
  source
    .replaceAll(/['`"] \+\s*['`"]/g, '')
    .replaceAll(/\\(['`"])/g, (_, quote: string) => (quote === '`' ? '‵' : quote));

const sources: readonly string[] = ['apps', 'packages']
  .flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name, 'src')))
  .filter((path) => !path.includes('packages/testing'))
  .flatMap((path) => readdirSync(path, { recursive: true, encoding: 'utf8' }).map((file) => join(path, file)))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => asPrinted(readFileSync(file, 'utf8')));

/** What differs from case to case stands as `…` in the docs. */
const literal = (text: string): string => text.replaceAll(/\$\{[^}]*\}/g, '…').replaceAll('‵', '`');
const everything = sources.map(literal).join('\n');
const partsOf = (quote: string): readonly string[] =>
  quote
    .split('…')
    .map((part) => part.trim())
    .filter((part) => part.length > 2);

/** The first cells of the table under a heading. */
const rowsUnder = (text: string, heading: string): readonly (readonly string[])[] => {
  const begin = text.indexOf(`\n${heading}\n`);
  const section = text.slice(begin, text.indexOf('\n## ', begin + 1) >>> 0);
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
};
const spansIn = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);

const printedAt = (level: 'warn' | 'error'): readonly string[] =>
  sources.flatMap((source) =>
    [...source.matchAll(new RegExp(`logger\\.${level}\\(\\s*(['\`])((?:(?!\\1).)+)\\1`, 'gis'))].map(
      ([, , text = '']) => literal(text),
    ),
  );

test.each([
  ['error', '## Errors'],
  ['warn', '## Warnings'],
] as const)('each line at %s is in the list of lines, at its level', (level, heading) => {
  const listed = rowsUnder(page('log-lines.md'), heading).flatMap(([cell = '']) => spansIn(cell));
  const printed = printedAt(level);
  expect(printed.length).toBeGreaterThan(10);
  expect(printed.filter((line) => !listed.includes(line))).toEqual([]);
  const others = printedAt(level === 'warn' ? 'error' : 'warn');
  expect(listed.filter((line) => others.includes(line))).toEqual([]);
});

/** By `runService`, and not by what stops it. */
const saidOtherwise = [
  '78 bad setting …',
  '75 the shutdown took too long; what is unfinished is left to redelivery',
];

test('each last word of a process is in the list of exit codes, under its code', () => {
  const rows = rowsUnder(page('README.md'), '## Exit codes').flatMap(([cell = '', code = '']) =>
    spansIn(cell).map((span) => ({ span, code })),
  );
  const words = sources.flatMap((source) =>
    [
      ...source.matchAll(
        /new (?:CannotRun\(\s*(75|78)|(?:StoresContradict|NatsServer\w+Error)\(()),?\s*(['`])((?:(?!\3).)+)\3/gs,
      ),
    ].map(([, code, , , text = '']) => ({ code: code ?? '78', text: literal(text) })),
  );
  expect(words.length).toBeGreaterThan(20);
  const holds = (text: string, other: string): boolean => {
    const parts = partsOf(other);
    return parts.length > 0 && parts.every((part) => text.includes(part));
  };
  const says = (row: { span: string; code: string }, word: { text: string; code: string }): boolean =>
    row.code === word.code && (holds(word.text, row.span) || holds(row.span, word.text));
  expect(words.filter((word) => !rows.some((row) => says(row, word)))).toEqual([]);
  const wrong = rows.filter((row) => !words.some((word) => says(row, word)));
  expect(wrong.map(({ span, code }) => `${code} ${span}`)).toEqual(saidOtherwise);
});

const commands = /^(?:signalbox|nats|nats-server|pnpm|node|sqlite3|GET|POST) /;
/** Said by nats-server. */
const ofTheServer = ['panic: … jsMsgGetRequest', 'Resetting stream cluster state', 'tls { … }'];

test('what is quoted on a page is what a program prints', () => {
  const quotes = pages.flatMap(({ name, text }) =>
    spansIn(text.replaceAll(/^```[\s\S]*?^```/gm, ''))
      .filter((span) => span.split(' ').length > 3 && !commands.test(span) && !ofTheServer.includes(span))
      .map((quote) => ({ name, quote })),
  );
  expect(quotes.length).toBeGreaterThan(80);
  const isPrinted = (quote: string): boolean => {
    // What is waited for stands elsewhere in the code than the words around it.
    const waited = /^still waiting for (.+) \(… s\)$/.exec(quote)?.[1];
    return partsOf(waited ?? quote).every((part) => everything.includes(part));
  };
  expect(quotes.filter(({ quote }) => !isPrinted(quote))).toEqual([]);
});

test('each setting that a page names is one', () => {
  const known = readFileSync(join(root, 'docs/SETTINGS.md'), 'utf8');
  const named = pages.flatMap(({ text }) =>
    [...text.matchAll(/\bSIGNALBOX_[A-Z_]+\b/g)].map(([name]) => name),
  );
  expect(named.filter((name) => !known.includes(`\`${name}\``))).toEqual([]);
});
