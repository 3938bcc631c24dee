/** The environments under `examples/`: as they are told to authors, with nothing to mend. */
import { readdirSync, readFileSync } from 'node:fs';
import type { AgentDefinition, WorkflowSchemas } from '@signalbox/dsl';
import { createStarlark } from '@signalbox/starlark-wasm';
import { expect, test } from 'vitest';
import { createLanguage } from './index.js';

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
