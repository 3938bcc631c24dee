/** The author's guide (`docs/language/README.md`) says nothing that is not so: all of it is executed here. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { actionInputs, parseTemplate, shapes, stateShapes } from '@signalbox/dsl';
import { type Json, renderTemplate, stepError, stepErrorCodes } from '@signalbox/engine';
import { createEvaluator, createStarlark } from '@signalbox/starlark-wasm';
import { startWorld, type World } from '@signalbox/testing';
import { createLanguage } from '@signalbox/validation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorCodesIn, type GuideRow, listedUnder, readGuide } from './support/examples-guide.js';
import { runAsExpected } from './support/examples-run.js';

const text = readFileSync(
  fileURLToPath(new URL('../../../docs/language/README.md', import.meta.url)),
  'utf8',
);
const guide = readGuide(text);
const starlark = createStarlark();
const language = createLanguage(starlark);

test('the guide has a workflow for each type of state, each under an id of its own', () => {
  const types = new Set(guide.workflows.flatMap(({ source }) => source.match(/(?<=type: )\w+/g) ?? []));
  expect([...types]).toEqual(expect.arrayContaining(Object.keys(stateShapes)));
  expect(new Set(guide.workflows.map(({ id }) => id)).size).toBe(guide.workflows.length);
});

describe('expressions and templates', () => {
  const evaluate = createEvaluator(starlark);
  const lookup = (name: string): Json | undefined => (name === 'ctx' ? guide.context : guide.context[name]);

  const resultOf = ({ kind, source }: GuideRow) => {
    if (kind === 'expression') return evaluate.expression(source, lookup);
    const parsed = parseTemplate(source);
    if (!parsed.ok) throw new Error(parsed.error.message);
    return renderTemplate(parsed.template, lookup, evaluate);
  };

  test('there are tables of both, and of errors', () => {
    expect(guide.rows.filter(({ kind, expected }) => kind === 'expression' && expected.ok)).not.toEqual([]);
    expect(guide.rows.filter(({ kind }) => kind === 'template')).not.toEqual([]);
    expect(guide.rows.filter(({ expected }) => !expected.ok)).not.toEqual([]);
  });

  test.each(guide.rows)('$source gives what stands beside it', (row) => {
    const value = resultOf(row);
    expect(value).toMatchObject({ ok: row.expected.ok });
    if (row.expected.ok) expect(value).toEqual(row.expected);
    else expect(value).toMatchObject({ code: row.expected.code });
    // What an author will read; a limit says which one was met, and that hangs on the machine.
    if (!row.expected.ok && row.expected.message !== '') expect(value).toEqual(row.expected);
  });
});

test('what the guide calls not supported yet is exactly what is refused', () => {
  const fieldsOf = (fields: object, other: object): object => ({
    ...Object.fromEntries(Object.keys(fields).map((field) => [field, 0])),
    ...other,
  });
  const states = [
    ...Object.entries(stateShapes).map(([type, { fields }]) => fieldsOf(fields, { name: type, type })),
    ...Object.keys(actionInputs).map((action) => ({ name: action, type: 'operation', action, input: {} })),
  ];
  const definition = fieldsOf(shapes.workflow.fields, { states, onFailure: 'rollback' });
  const parsed = language.workflow(JSON.stringify(definition), {});
  const places = (parsed.ok ? [] : parsed.errors)
    .filter(({ code }) => code === 'NOT_SUPPORTED_YET')
    .map(({ path }) => path.split('/').slice(1));
  const refused = places.map(([first = '', index = '', field = '']) => {
    if (first === 'onFailure') return 'onFailure: rollback';
    if (first !== 'states') return first;
    const state: object | undefined = states[Number(index)];
    return field === 'action' && state !== undefined && 'action' in state ? String(state.action) : field;
  });
  expect([...new Set(refused)].sort()).toEqual([...listedUnder(text, 'Not supported yet')].sort());
});

test('every code of a step error is listed, with whether it is tried again', () => {
  const listed = new Map(errorCodesIn(text));
  const known = new Map(stepErrorCodes.map((code) => [code, stepError(code, '').retryable]));
  expect([...listed].sort()).toEqual([...known].sort());
});

describe('its workflows on the platform', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld(['orchestrator', 'api', 'step-worker', 'approval-service']);
    await world.call('PUT', '/api/v1/teams', guide.teams);
    for (const [name, source] of guide.agents) await world.call('PUT', `/api/v1/agents/${name}`, source);
    for (const { id, source } of guide.workflows) await world.call('PUT', `/api/v1/workflows/${id}`, source);
  });
  afterAll(() => world?.stop());

  test.concurrent.each(guide.workflows)('$id, at line $line, ends as the guide says', ({ id, expected }) =>
    runAsExpected(world, id, expected),
  );

  test.each(guide.workflows)('$id, at line $line, has no warnings', async ({ source }) => {
    const verdict = await world.call('POST', '/api/v1/workflows/validate', source);
    expect(verdict).toMatchObject({ valid: true, warnings: [] });
  });
});
