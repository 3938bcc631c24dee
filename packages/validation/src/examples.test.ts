/** The environments under `examples/`: as they are told to authors, with nothing to mend. */
import { readdirSync, readFileSync } from 'node:fs';
import { type AgentDefinition, languageJsonSchema, type WorkflowSchemas } from '@signalbox/dsl';
import type { Json } from '@signalbox/engine';
import { createStarlark } from '@signalbox/starlark-wasm';
import { expect, test } from 'vitest';
import { createLanguage, createSchemaCheck } from './index.js';

const language = createLanguage(createStarlark());
const root = new URL('../../../examples/environments/', import.meta.url);

const filesIn = (folder: URL): readonly { readonly name: string; readonly text: string }[] =>
  readdirSync(folder).map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }));

const agentsIn = (environment: string): ReadonlyMap<string, AgentDefinition> =>
  new Map(
    filesIn(new URL(`${environment}/agents/`, root)).map(({ name, text }): [string, AgentDefinition] => {
      const parsed = language.agent(text, name.replace(/\.prompt$/, ''));
      if (!parsed.ok) throw new Error(`${name}: ${JSON.stringify(parsed.errors)}`);
      return [parsed.agent.name, parsed.agent];
    }),
  );

/** What the examples are there to show. */
const shown: ReadonlySet<string> = new Set(['CIRCULAR_TRANSITION', 'DEFAULT_START', 'DEPRECATED_FIELD']);

test.each(['default', 'language'])(
  '%s: no errors, and no warnings but those that it is there to show',
  (environment) => {
    const agents = agentsIn(environment);
    const files = filesIn(new URL(`${environment}/workflows/`, root));
    const workflows = new Map<string, WorkflowSchemas>();
    for (const { text } of files) {
      const parsed = language.workflow(text, { agents });
      if (parsed.ok) workflows.set(parsed.definition.id, parsed.definition);
    }
    const findings = files.flatMap(({ name, text }) => {
      const parsed = language.workflow(text, { agents, workflows });
      const issues = [...(parsed.ok ? [] : parsed.errors), ...parsed.warnings];
      return issues
        .filter(({ code }) => !shown.has(code))
        .map(({ code, message }) => `${name}: ${code} ${message}`);
    });
    expect(findings).toEqual([]);
  },
);

test.each(['default', 'language'])(
  '%s: every workflow fits the JSON Schema that editors are given',
  (environment) => {
    const schema = languageJsonSchema();
    const { violations } = createSchemaCheck();
    for (const { name, text } of filesIn(new URL(`${environment}/workflows/`, root))) {
      const parsed = language.workflow(text, {});
      if (!parsed.ok) throw new Error(`${name}: ${JSON.stringify(parsed.errors)}`);
      expect([name, violations(schema, parsed.definition as unknown as Json)]).toEqual([name, []]);
    }
  },
);

test('the JSON Schema that editors are given refuses what the language refuses', () => {
  const { violations } = createSchemaCheck();
  const state = { name: 'a', type: 'inject', data: 1, end: true };
  const workflow = (change: object): Json => ({ id: 'w', states: [{ ...state, ...change }] });
  expect(violations(languageJsonSchema(), workflow({}))).toEqual([]);
  for (const change of [
    { timeout: 1 },
    { type: 'injection' },
    { end: undefined, next: 3 },
    { data: undefined, name: 7 },
  ])
    expect(
      violations(languageJsonSchema(), JSON.parse(JSON.stringify(workflow(change))) as Json),
    ).not.toEqual([]);
});
