/** How much of a user's text comes back out: what a definition, its findings and its names may be in a message. */
import { expect, test } from 'vitest';
import { type Issue, limits, parseAgent, parseTeams, parseWorkflow } from './index.js';

const jsonBytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
const parse = (text: string) => parseWorkflow(text, { compiler: compilerOfAll, environment: {} });
const compilerOfAll = {
  expression: () => ({ ok: true, names: [] }) as const,
  script: () => ({ ok: true, names: [] }) as const,
};

const workflow = (data: string): string =>
  `id: large\nstart: a\nstates:\n  - { name: a, type: inject, end: true, data: ${data} }\n`;

/** A definition of exactly so many bytes, every one of which takes two as JSON, as far as a text allows that. */
const worstOf = (bytes: number): string => {
  const frame = workflow("''").length;
  return workflow(`'${'\\'.repeat(bytes - frame)}'`);
};

test('a definition of exactly the limit is valid, and no more than 768 KiB as JSON at worst', () => {
  const source = worstOf(limits.maxTextBytes);
  expect(new TextEncoder().encode(source)).toHaveLength(limits.maxTextBytes);
  expect(parse(source).ok).toBe(true);
  expect(jsonBytes(source)).toBeLessThanOrEqual(2 * limits.maxTextBytes + 2);
  expect(parse(`${source}#`)).toMatchObject({
    ok: false,
    errors: [{ code: 'LIMIT_EXCEEDED', message: expect.stringContaining(String(limits.maxTextBytes)) }],
  });
});

test.each([1, 7, 8, 11, 12, 14, 27, 31])(
  'control character %i, which JSON writes with six characters, is in no definition, agent or teams file',
  (code) => {
    const character = String.fromCharCode(code);
    const issue = expect.objectContaining({ message: expect.stringContaining('control character U+00') });
    expect(parse(workflow(`"${character}"`))).toMatchObject({ ok: false, errors: [issue] });
    expect(parseAgent(`---\nmodel: a/b\n---\n${character}`, 'a')).toMatchObject({
      ok: false,
      errors: [issue],
    });
    expect(parseTeams(`sre: [user:${character}]`)).toMatchObject({ ok: false, errors: [issue] });
  },
);

test('findings together stay below 200 kB, each of them short, whatever they quote', () => {
  const long = 'x'.repeat(50_000);
  const states = Array.from(
    { length: 7 },
    (_, index) => `  - { name: s${index}, type: "${long}", end: true }\n`,
  );
  const many = Array.from(
    { length: 900 },
    (_, index) => `  - { name: s${index}, type: "${'€'.repeat(90)}" }\n`,
  );
  for (const each of [states, many]) {
    const { errors } = parse(`id: w\nstart: s0\nstates:\n${each.join('')}`) as { errors: readonly Issue[] };
    expect(errors.length).toBeGreaterThan(5);
    expect(jsonBytes(errors)).toBeLessThan(200_000);
    for (const issue of errors) expect(jsonBytes(issue)).toBeLessThan(5_000);
  }
});

test('a name, a description or a label is short enough to stand in every list', () => {
  for (const field of ['name', 'description', 'version']) {
    const parsed = parse(`${field}: ${'x'.repeat(4_001)}\n${workflow('1')}`);
    expect(parsed).toMatchObject({ ok: false, errors: [{ path: `/${field}` }] });
  }
});

test('an agent is at most 128 KiB of text, and 384 KiB of JSON with its aliases written out', () => {
  const agent = (front: string, body: string): string => `---\nmodel: ${front}---\n${body}`;
  const frame = agent('a/b\n', '').length;
  const largest = agent('a/b\n', '\\'.repeat(limits.maxAgentBytes - frame));
  expect(parseAgent(largest, 'a').ok).toBe(true);
  expect(parseAgent(`${largest}x`, 'a')).toMatchObject({ ok: false, errors: [{ code: 'LIMIT_EXCEEDED' }] });
  const outputs = `scripted/b\nanswers:\n  - output: [&a ${'x'.repeat(60_000)}${', *a'.repeat(10)}]\n`;
  expect(parseAgent(agent(outputs, 'x'), 'a')).toMatchObject({
    ok: false,
    errors: [{ code: 'LIMIT_EXCEEDED', message: expect.stringContaining('the agent, written out, has') }],
  });
});
